import { generateKeyPairSync, randomBytes } from "node:crypto";

import { type Cluster, ensureCluster } from "../../lab/cluster";
import { chromaName, companionObjects, labNamespace } from "../../lab/companions";
import { type Database, ensureDatabase } from "../../lab/database";
import { withClient } from "../../lab/database/access";
import { legacyEnvironments } from "../../lab/database/schema";
import { databaseServiceObjects } from "../../lab/database/service";
import { ensureImages, exampleImageNames, type ImageName, labImageNames } from "../../lab/images";
import { type Kube, openKube } from "../../lab/kube";
import type { Log } from "../../lab/log";
import { closeExample, type Example, onCluster, openExample, restrictedNamespace } from "./example";
import { missingOperators, type StandIn } from "./stand-ins";

type Servers = Record<string, Record<string, unknown>>;

/** The examples that run concurrently. */
type Name = "todo" | "platform" | "studio";

/**
 * The examples on the lab's cluster, each in a namespace of its own, with what its user has already: the database of
 * the todo application, the Secrets of Studio, the definitions of the operators that the AI platform runs.
 */
export class SurroundedExamples {
  /** One for each example, and one for server-side dry runs. */
  readonly namespaces: Readonly<Record<Name | "dry", string>>;
  /** The todo application's role, and the name of its database. */
  readonly role: string;
  private readonly password = randomBytes(12).toString("hex");
  private examples: Readonly<Record<Name, Example>> | undefined;

  private constructor(
    run: string,
    readonly cluster: Cluster,
    readonly kube: Kube,
    readonly images: Record<ImageName, string>,
    private readonly database: Database,
    /** The cluster's nodes as address ranges. */
    readonly nodes: readonly string[],
    /** A user's cluster may have the operators: their definitions are used and kept. */
    private readonly standIns: readonly StandIn[],
  ) {
    this.role = `todo_${run}`;
    this.namespaces = {
      todo: `example-todo-${run}`,
      platform: `example-platform-${run}`,
      studio: `example-studio-${run}`,
      dry: `example-dry-${run}`,
    };
  }

  /** Creates the examples' environment; deploys none. */
  static async open(log: Log): Promise<SurroundedExamples> {
    const cluster = await ensureCluster(log);
    const images = await ensureImages(cluster, log, [...labImageNames, ...exampleImageNames]);
    const database = await ensureDatabase({ listen: cluster.nodeIp }, log);
    const kube = await openKube(cluster);
    const nodes = await nodeRanges(kube);
    const standIns = await missingOperators(cluster);
    const run = randomBytes(3).toString("hex");
    const opened = new SurroundedExamples(run, cluster, kube, images, database, nodes, standIns);
    try {
      await opened.surround();
    } catch (error) {
      await opened.remove();
      throw error;
    }
    return opened;
  }

  /** The examples, opened at first use. */
  get all(): Readonly<Record<Name, Example>> {
    return (this.examples ??= {
      todo: this.openTodo(),
      platform: this.openPlatform(),
      studio: this.openStudio(),
    });
  }

  /** The superuser's DSN of the todo application's database. */
  get todoUrl(): string {
    const own = new URL(this.database.superuserUrl);
    own.pathname = `/${this.role}`;
    return own.href;
  }

  /** Removes everything, the examples' namespaces with their content included. */
  async remove(): Promise<void> {
    const { items } = await this.kube.core.listNamespace();
    const there = items.map(({ metadata }) => metadata?.name);
    for (const name of Object.values(this.namespaces)) {
      if (there.includes(name)) await this.kube.core.deleteNamespace({ name });
    }
    await withClient(this.database.superuserUrl, async (db) => {
      await db.query(`drop database if exists ${this.role} with (force)`);
      await db.query(`drop role if exists ${this.role}`);
    });
    for (const { metadata } of this.standIns) {
      await onCluster(this.cluster, "delete", "--ignore-not-found", "crd", metadata.name);
    }
    Object.values(this.examples ?? {}).forEach(closeExample);
  }

  private async surround(): Promise<void> {
    const { todo, studio, dry } = this.namespaces;
    await this.kube.apply([...companionObjects(this.images["chroma-server"]), ...this.standIns]);
    // The AI platform's stack makes its own.
    for (const name of [todo, studio, dry]) await restrictedNamespace(this.kube, name);
    await this.surroundTodo(todo);
    await this.surroundStudio(studio);
  }

  /** The todo application's environment: PostgreSQL with its role, behind a Service and a Secret. */
  private async surroundTodo(namespace: string): Promise<void> {
    const { role, password, database, cluster } = this;
    await withClient(database.superuserUrl, async (db) => {
      await db.query(`create role ${role} login password '${password}'`);
      await db.query(`create database ${role} owner ${role}`);
    });
    const address = { address: cluster.nodeIp, port: Number(new URL(database.url).port) };
    await this.kube.apply([
      ...databaseServiceObjects({ name: "postgres", namespace, ...address }),
      secret(namespace, "postgres-secret", { POSTGRES_PASSWORD: password }),
    ]);
  }

  /** The Secrets that the Studio example refers to. */
  private async surroundStudio(namespace: string): Promise<void> {
    const { github = {}, atlassian = {} } = legacyEnvironments();
    await this.kube.apply([
      secret(namespace, "llmctl-postgres", { LLMCTL_POSTGRES_PASSWORD: this.password }),
      secret(namespace, "llmctl-mcp-github", github),
      secret(namespace, "llmctl-mcp-atlassian", atlassian),
      secret(namespace, "llmctl-mcp-google-cloud", { SERVICE_ACCOUNT_KEY: "{}" }),
      secret(namespace, "llmctl-mcp-google-workspace", {
        GOOGLE_SERVICE_ACCOUNT_KEY_JSON: serviceAccountOfNobody(),
      }),
    ]);
  }

  // The examples, with images and environment replaced by the lab's.

  /** The todo example by itself: as in development, or in production. */
  openTodo(stack: "dev" | "prod" = "dev"): Example {
    const { images, role, cluster } = this;
    const { context } = cluster;
    return openExample(`examples/todo/${stack}`, cluster, {
      allowed: { contexts: [context], namespaces: [this.namespaces.todo] },
      namespace: this.namespaces.todo,
      servers: ({ todo = {} }: Servers) => ({
        todo: {
          ...todo,
          image: images.todo,
          env: {
            ...(todo.env as object),
            DATABASE_URL: `postgresql://${role}:$(POSTGRES_PASSWORD)@postgres:5432/${role}`,
          },
          // The lab's PostgreSQL runs on the node and is not a pod.
          egress: { profile: "cluster", to: [{ cidr: `${cluster.nodeIp}/32` }] },
        },
      }),
    });
  }

  /** Deployed to this namespace, and allowed only there in this cluster. */
  private allowedIn(namespace: string): object {
    return { namespace, allowed: { clusters: this.nodes, namespaces: [namespace] } };
  }

  private openPlatform(): Example {
    const { images } = this;
    return openExample("examples/ai-platform/stack", this.cluster, {
      ...this.allowedIn(this.namespaces.platform),
      servers: ({ clock = {}, outline = {} }: Servers) => ({
        clock: { ...clock, image: images.fastmcp },
        // A server that replaces Outline's, which needs an Outline; it has no /health.
        outline: {
          ...outline,
          image: images["llmctl-mcp"],
          env: { ...(outline.env as object), PORT: "3000" },
          health: "tcp",
          service: { ...(outline.service as object), sourceRanges: ["0.0.0.0/0"] },
        },
      }),
      manager: { enabled: true, image: images["mcp-fleet"] },
    });
  }

  private openStudio(): Example {
    const { images } = this;
    return openExample("examples/studio/stack", this.cluster, {
      ...this.allowedIn(this.namespaces.studio),
      cutover: { enabled: false },
      studio: { enabled: false },
      servers: (servers: Servers) => {
        const here = Object.entries(servers).map(([key, server]) => [
          key,
          { ...server, image: images[key as ImageName] },
        ]);
        const { chroma, ...rest } = Object.fromEntries(here) as Servers;
        const env = { CHROMA_HOST: `${chromaName}.${labNamespace}` };
        // As in the example's comment.
        const workspace = {
          image: images["google-workspace"],
          secret: "llmctl-mcp-google-workspace",
          secretKeys: ["GOOGLE_SERVICE_ACCOUNT_KEY_JSON"],
          env: { USER_GOOGLE_EMAIL: "robot@example.com" },
        };
        const egress = { profile: "cluster", pods: [{ namespace: labNamespace }] };
        return { ...rest, chroma: { ...chroma, env, egress }, "google-workspace": workspace };
      },
    });
  }
}

/** A key in the right format that is unknown to Google. */
function serviceAccountOfNobody(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return JSON.stringify({
    type: "service_account",
    project_id: "example-project",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: "robot@example-project.iam.gserviceaccount.com",
    token_uri: "https://oauth2.googleapis.com/token",
  });
}

async function nodeRanges(kube: Kube): Promise<string[]> {
  const { items } = await kube.core.listNode();
  const addresses = items.flatMap(({ status }) => status?.addresses ?? []);
  return addresses.flatMap(({ type, address }) => (type === "InternalIP" ? [`${address}/32`] : []));
}

function secret(namespace: string, name: string, stringData: Record<string, string>): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData };
}
