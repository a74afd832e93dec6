import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import pulumi from "@pulumi/eslint-plugin";
import simpleImportSort from "eslint-plugin-simple-import-sort";
import tseslint from "typescript-eslint";

/**
 * What the type-aware rules know of other files: their declarations, as the build wrote them, and the installed
 * packages. ESLint keeps a file's result while the file and the configuration stay as they are; with this digest in
 * the configuration, a changed declaration makes it look at every file again.
 */
function digestOfTypes() {
  const files = globSync(
    ["dist/**/*.d.ts", "packages/*/dist/**/*.d.ts", "tsconfig*.json", "package-lock.json"],
    { cwd: import.meta.dirname },
  );
  const digest = createHash("sha256");
  for (const file of files.sort())
    digest.update(`${file}\0`).update(readFileSync(join(import.meta.dirname, file)));
  return digest.digest("hex");
}

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/node_modules/**",
      "**/*.cjs",
      "**/*.mjs",
      "**/*.js",
      "examples/library/**",
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        // One program for all files: with one for each package, the SDKs' types are read twenty times.
        project: "tsconfig.lint.json",
        tsconfigRootDir: import.meta.dirname,
      },
    },
    settings: { types: digestOfTypes() },
    plugins: { "@pulumi": pulumi, "simple-import-sort": simpleImportSort },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "simple-import-sort/imports": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["test/**", "packages/*/src/**/*.test.ts"],
    rules: { "@typescript-eslint/no-floating-promises": "error" },
  },
);
