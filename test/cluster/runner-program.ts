import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const labels = { app: "runner-test" };
const image = config.require("image");

const namespace = new k8s.core.v1.Namespace("namespace", {
  metadata: { name: config.require("namespace"), labels },
});
const inside = { namespace: namespace.metadata.name, labels };

const settings = new k8s.core.v1.ConfigMap("settings", {
  metadata: inside,
  data: { greeting: config.require("greeting") },
});
const token = new k8s.core.v1.Secret("token", {
  metadata: { ...inside, name: "token" },
  stringData: { token: pulumi.secret("a-token-for-the-test") },
});
const selector = { ...labels, variant: config.get("selector") ?? "one" };
const server = new k8s.apps.v1.Deployment("server", {
  metadata: { ...inside, name: "server" },
  spec: {
    replicas: 1,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: selector },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "main",
            image,
            imagePullPolicy: "IfNotPresent",
            envFrom: [
              { configMapRef: { name: settings.metadata.name } },
              { secretRef: { name: token.metadata.name } },
            ],
          },
        ],
      },
    },
  },
});
const service = new k8s.core.v1.Service(
  "service",
  { metadata: { ...inside, name: "server" }, spec: { selector: labels, ports: [{ port: 80 }] } },
  { dependsOn: [server] },
);

export const available = server.status.availableReplicas;
const settingsName = settings.metadata.name;
export const address = service.spec.clusterIP;
export { settingsName as settings };
