// The External Secrets Operator with its own main, of the stores it knows Kubernetes alone. The lab leaves the packages
// empty that would register all others, and with them the clouds' libraries.
package main

import (
	"github.com/external-secrets/external-secrets/cmd/controller"
	_ "github.com/external-secrets/external-secrets/pkg/provider/kubernetes"
)

func main() {
	controller.Execute()
}
