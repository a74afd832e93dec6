// The Kubernetes provider, served from its module. Its own main embeds a schema file that the module lacks;
// the schema serves code generation only, so this one has none.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	provider.Serve("kubernetes", version.Version, nil, nil)
}
