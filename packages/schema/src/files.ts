import { z } from "zod";

import { objectKey, objectName } from "./fields";

const keyOfFile = objectKey.meta({
  description: "The key in it whose value is the file.",
  examples: ["ca.crt"],
});

/** The source of a file in the pod: a key of the server's own Secret, or of an existing object. */
export const fileSource = z.union([
  z.string().min(1),
  z.strictObject({
    secret: objectName.meta({
      description: "Name of a Secret that exists in its namespace.",
      examples: ["tools-login"],
    }),
    key: keyOfFile,
  }),
  z.strictObject({
    configMap: objectName.meta({
      description: "Name of a ConfigMap that exists in its namespace.",
      examples: ["tools-settings"],
    }),
    key: keyOfFile,
  }),
]);
