import assert from "node:assert/strict";

import { integratedServers } from "@mcp-fleet/catalog";
import { checkStackFile } from "@mcp-fleet/schema";

/** What is wrong in a stack with one server. */
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
    // By the value, whatever the header is called.
    ...[`X-Upstream: 'Bearer ${token}'`, "X-Upstream: 'basic dTpw'", "X-Upstream: 'Token abc'"],
    ...["X-Upstream: 'https://u:p@example.com'", `X-Upstream: 'ghp_${token}'`],
    ...["X-Upstream: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig'", `X-Upstream: 'glpat-${token}'`],
    ...[
      `X-Upstream: 'sk-${token}'`,
      `X-Upstream: 'xoxb-${token}'`,
      "X-Upstream: 'AKIAABCDEFGHIJKLMNOP'",
    ],
  ]) {
    it(`is refused as text: ${header}`, () => {
      const [problem, ...more] = found(`headers: { ${header} }`);
      assert.deepEqual(more, []);
      const [name = "", value = ""] = header.split(": '");
      assert.equal(problem?.path, `servers.a.headers.${name}`);
      assert.match(problem.said, /holds a credential as text, which the stack file shows\.$/);
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
    ])
      assert.deepEqual(found(`headers: { ${header} }`), [], header);
  });

  it("is refused in a prefix too", () => {
    const [problem] = found(
      `headers: { Authorization: { secret: s, key: k, prefix: 'Bearer ${token}' } }`,
    );
    assert.equal(problem?.path, "servers.a.headers.Authorization.prefix");
    assert.ok(!problem.said.includes(token));
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
    const [twice] = found("headers: { X-Tenant: a, x-tenant: b }");
    assert.match(twice?.said ?? "", /is the same header as X-Tenant/);
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
      /^servers\.a\.tls means nothing for a server of source "bridge"/,
    );
    const [code] = found(
      "tls: {}, source: code, code: { files: { server.py: 'app = 1' }, app: 'server:app' }",
    );
    assert.match(code?.said ?? "", /^servers\.a\.tls means nothing for a server of source "code"/);
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
