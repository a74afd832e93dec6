import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

/** The problems of a stack with one server. */
function found(server: string, rest = ""): { path: string; said: string; fix: string }[] {
  const text = `config:
  mcp-fleet:namespace: tools
  mcp-fleet:cutover: { enabled: false }
  mcp-fleet:studio: { enabled: false }
${rest}  mcp-fleet:servers: { a: { image: a/b:1, port: 8000, row: false, ${server} } }
`;
  return checkStackFile("x", text, integratedServers).problems.map(({ path, problem, fix }) => ({
    ...{ path, said: `${path} ${problem}`, fix },
  }));
}

const token = "abcdefghij0123456789";

describe("a credential among a server's headers", () => {
  for (const header of [
    ...[
      "Authorization: 'x'",
      `authorization: '${token}'`,
      "Proxy-Authorization: 'x'",
      "Cookie: 'a=b'",
    ],
    ...[
      "X-Api-Key: 'x'",
      "x-auth-token: 'x'",
      "X-API_KEY: 'x'",
      "X-Grafana-Service-Account-Token: 'x'",
    ],
    ...["Ocp-Apim-Subscription-Key: 'x'", "X-Amz-Security-Token: 'x'", "X-Client-Secret: 'x'"],
    ...["X-Forwarded-Password: 'x'", "Private-Token: 'x'", "X-Auth: 'x'", "X-Access-Key-Id: 'x'"],
    // By the value, whatever the header's name is.
    ...[`X-Upstream: 'Bearer ${token}'`, "X-Upstream: 'basic dTpw'", "X-Upstream: 'Token abc'"],
    ...["X-Upstream: 'https://u:p@example.com'", `X-Upstream: 'ghp_${token}'`],
    ...["X-Upstream: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig'", `X-Upstream: 'glpat-${token}'`],
    ...[
      `X-Upstream: 'sk-${token}'`,
      `X-Upstream: 'xoxb-${token}'`,
      "X-Upstream: 'AKIAABCDEFGHIJKLMNOP'",
    ],
    ...["X-Pass: 'x'", "X-Otp: '123456'", "X-Api-Key: '12345'", "X-Grafana-Cookie: 'a=b'"],
    ...[
      `X-Upstream: 'glsa_${token}'`,
      `X-Upstream: 'sk_live_${token}'`,
      "X-Upstream: 'Token: abc'",
    ],
    ...[`X-Upstream: 'sha256~${token}'`, "X-Upstream: 'Server=db;Password=hunter2'"],
    ...[`X-Upstream: 'https://host/?token=${token}'`, `X-Upstream: '"Bearer ${token}"'`],
  ]) {
    it(`is refused as text: ${header}`, () => {
      const [problem, ...more] = found(`headers: { ${header} }`);
      assert.deepEqual(more, []);
      const [name = "", value = ""] = header.split(": '");
      assert.equal(problem?.path, `servers.a.headers.${name}`);
      assert.match(
        problem.said,
        /contains a credential as plain text, which the stack file shows\.$/,
      );
      assert.match(
        problem.fix,
        /^Write \{secret: <name of a Secret>, key: <key>(, prefix: "\w+ ")?\}/,
      );
      const secret = value.replace(/'$/, "");
      if (secret.length > 3) assert.ok(!`${problem.said} ${problem.fix}`.includes(secret));
    });
  }

  it("is told with the prefix that it has", () => {
    const [problem] = found(`headers: { Authorization: 'Bearer ${token}' }`);
    assert.equal(
      problem?.fix,
      'Write {secret: <name of a Secret>, key: <key>, prefix: "Bearer "} in its place, or {secretKey: <NAME>, prefix: "Bearer "} for serverSecrets.a.<NAME>; then change the credential.',
    );
  });

  it("is told without any word of it that is no scheme", () => {
    for (const value of ["correct horse battery", `${token} x`]) {
      const [problem] = found(`headers: { X-Password: '${value}' }`);
      assert.ok(!problem?.fix.includes("prefix"), problem?.fix);
    }
  });

  it("is none in an ordinary header", () => {
    for (const header of [
      ...["X-Tenant: studio", "X-Grafana-Url: 'https://grafana.example'", "Accept-Language: en"],
      ...[
        "X-Upstream: 'keyboard'",
        "X-Region: eu-west-1",
        "User-Agent: 'studio 1.2'",
        "X-Empty: ''",
      ],
      ...["X-Author: ann", "X-Monkey: '1'"],
      // Descriptions of a credential, and public keys.
      ...["X-Max-Tokens: '1000'", "X-Token-Budget: '99999'", "X-Credential-Type: pat"],
      ...["X-Idempotency-Key: abc", "X-Require-Token: 'true'", "X-Project: sk-learn"],
    ])
      assert.deepEqual(found(`headers: { ${header} }`), [], header);
  });

  it("is refused in a prefix too", () => {
    const [problem] = found(
      `headers: { Authorization: { secret: s, key: k, prefix: 'Bearer ${token}' } }`,
    );
    assert.equal(problem?.path, "servers.a.headers.Authorization.prefix");
    assert.ok(!problem.said.includes(token));
    for (const prefix of [`s3cr3t-${token}`, "bob:hunter2@", "Basic bob:hunter2"]) {
      const [one] = found(`headers: { X-Login: { secret: s, key: k, prefix: '${prefix}' } }`);
      assert.equal(one?.path, "servers.a.headers.X-Login.prefix", prefix);
    }
    for (const prefix of ["Bearer ", "Token token=", "AWS4-HMAC-SHA256 Credential=", 'id="'])
      assert.deepEqual(
        found(`headers: { Authorization: { secret: s, key: k, prefix: '${prefix}' } }`),
        [],
        prefix,
      );
  });
});

describe("a header whose value is kept elsewhere", () => {
  it("is taken from a Secret, from the server's own, and from the stack's secrets", () => {
    assert.deepEqual(
      found('headers: { Authorization: { secret: t, key: token, prefix: "Bearer " } }'),
      [],
    );
    assert.deepEqual(found("secret: own, headers: { X-Token: { secretKey: TOKEN } }"), []);
    const secrets = "  mcp-fleet:serverSecrets: { a: { TOKEN: { secure: AAA } } }\n";
    assert.deepEqual(found("headers: { X-Token: { secretKey: TOKEN } }", secrets), []);
  });

  it("is refused where the server has no such secret", () => {
    const [problem] = found("headers: { X-Token: { secretKey: TOKEN } }");
    assert.match(
      problem?.said ?? "",
      /^servers\.a\.headers\.X-Token\.secretKey names "TOKEN", which is no key of serverSecrets\.a\.$/,
    );
    assert.match(problem?.fix ?? "", /pulumi config set --secret --path serverSecrets\.a\.TOKEN/);
  });

  it("is refused in a form that is none", () => {
    for (const [header, says] of [
      ["{ secret: s }", /headers\.Authorization/],
      ["{ secret: s, key: k, prefx: x }", /prefx.*not a known key|headers\.Authorization/],
      ["{ secret: S, key: k }", /headers\.Authorization\.secret/],
    ] as const) {
      const [problem] = found(`headers: { Authorization: ${header} }`);
      assert.match(problem?.said ?? "", says, header);
    }
    // Kubernetes rejects such a key, and HTTP such a value.
    const [dots] = found("headers: { X-A: { secret: s, key: ..k } }");
    assert.match(dots?.said ?? "", /X-A\.key must not be a dot, or begin with two/);
    const [space] = found("headers: { X-A: { secret: s, key: k, prefix: ' Bearer ' } }");
    assert.match(
      space?.said ?? "",
      /X-A\.prefix must be one line of ASCII, without a space in front/,
    );
    const [known] = found("headers: { X-A: { secret: s, key: k, optional: true } }");
    assert.match(known?.fix ?? "", /are key, prefix, secret, secretKey\.$/);
    const [twice] = found("headers: { X-Tenant: a, x-tenant: b }");
    assert.match(twice?.said ?? "", /is the same header as X-Tenant/);
  });
});

describe("a header that is not the server's to have", () => {
  // Node.js' fetch throws for the first three, and the others change how the body is read.
  for (const name of [
    "Expect",
    "Upgrade",
    "Keep-Alive",
    "Content-Encoding",
    "Trailer",
    "Mcp-Method",
  ])
    it(`is refused: ${name}`, () => {
      const [problem] = found(`headers: { ${name}: x }`);
      assert.match(problem?.said ?? "", /it must not be one that clients set\.$/);
    });
});

describe("a server that serves TLS itself", () => {
  it("is said with a public authority, one of a ConfigMap or one of a Secret", () => {
    for (const tls of [
      "{}",
      "{ ca: { configMap: corp-ca } }",
      "{ ca: { secret: t, key: ca.pem } }",
    ])
      assert.deepEqual(found(`tls: ${tls}`), [], tls);
  });

  it("is none behind the bridge, which speaks plain HTTP, nor code that is started here", () => {
    const [bridge] = found("tls: {}, source: bridge, stdio: x");
    assert.match(
      bridge?.said ?? "",
      /^servers\.a\.tls has no effect on a server of source "bridge"/,
    );
    const [code] = found(
      "tls: {}, source: code, code: { files: { server.py: 'app = 1' }, app: 'server:app' }",
    );
    assert.match(code?.said ?? "", /^servers\.a\.tls has no effect on a server of source "code"/);
  });

  it("is not asked in clear by the kubelet", () => {
    const [problem] = found("tls: {}, health: { path: /h, https: false }");
    assert.match(problem?.said ?? "", /^servers\.a\.health\.https is false/);
  });

  it("is told with the forms that there are", () => {
    const [problem] = found("tls: true");
    assert.match(problem?.said ?? "", /^servers\.a\.tls .*expected object/);
    assert.match(problem?.fix ?? "", /"configMap":"corp-ca"/);
    const [wrong] = found("tls: { ca: { configMap: c, secret: s } }");
    assert.match(wrong?.said ?? "", /servers\.a\.tls\.ca/);
  });
});
