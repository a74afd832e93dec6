import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

/** The problems of a stack whose server has a private authority. */
function found(studio: string): string[] {
  const text = `config:
  mcp-fleet:namespace: tools
  mcp-fleet:target: in-cluster
  mcp-fleet:databaseUrl: { secure: AAA }
  mcp-fleet:studioSecrets: { DATABASE_URL: { secure: AAA } }
  mcp-fleet:probe: { image: 'a/b:1' }
  mcp-fleet:studio: { images: { embedded: 'a/b:1', in-cluster: 'a/b:2' }, ${studio} }
  mcp-fleet:servers: { a: { image: 'a/b:1', port: 8443, tls: { ca: { configMap: corp-ca } } } }
`;
  return checkStackFile("x", text, integratedServers).problems.map(
    ({ path, problem }) => `${path} ${problem}`,
  );
}

describe("the variables by which Studio is told of an authority", () => {
  it("are none that the program sets, and each named once: the API server refuses a pod with one twice", () => {
    assert.deepEqual(found("trust: { variables: [SSL_CERT_FILE, PORT] }"), [
      "studio.trust.variables[1] is PORT, which is set by the program, to studio.port.",
    ]);
    assert.deepEqual(found("trust: { variables: [SSL_CERT_FILE, SSL_CERT_FILE] }"), [
      "studio.trust.variables must name each variable once.",
    ]);
    // Names that every JavaScript object has.
    assert.deepEqual(found("env: { constructor: x }, trust: { variables: [toString] }"), []);
    assert.deepEqual(found("env: { NODE_EXTRA_CA_CERTS: /own.pem }"), []);
  });
});
