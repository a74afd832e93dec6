/*
 * Loaded into Studio's process by a test (`--require`): the machine has no cluster DNS, so requests to
 * in-cluster names go to the server the test started. Nothing else of Studio is changed.
 */
const origin = process.env.TEST_CLUSTER_ORIGIN ?? "";
const realFetch = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const url = input instanceof Request ? input.url : input.toString();
  return realFetch(url.replace(/^http:\/\/[\w.-]+\.svc\.cluster\.local:\d+/, origin), init);
};
