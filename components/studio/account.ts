import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { objectLabels } from "../core";
import { studioComponent } from "./studio";

/** Where Studio's ServiceAccount goes. */
export interface StudioAccountArgs {
  readonly serviceName: string;
  readonly namespace: string;
  readonly application: string;
}

/**
 * The ServiceAccount of Studio. It is no child of the Studio component because it has to exist before the
 * cutover: the probe runs with Studio's labels, as this account.
 */
export function studioAccount(
  name: string,
  args: StudioAccountArgs,
  opts?: pulumi.CustomResourceOptions,
): k8s.core.v1.ServiceAccount {
  return new k8s.core.v1.ServiceAccount(
    name,
    {
      metadata: {
        name: args.serviceName,
        namespace: args.namespace,
        labels: objectLabels({
          name: args.serviceName,
          component: studioComponent,
          application: args.application,
        }),
      },
      automountServiceAccountToken: false,
    },
    opts,
  );
}
