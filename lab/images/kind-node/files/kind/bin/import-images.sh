#!/bin/sh
# The lab mounts its images here, with the names by which kubeadm asks for them.
set -eu
ctr="ctr --namespace k8s.io images"
$ctr import /kind/lab/images.tar
while read -r image name; do
  $ctr tag --force "$image" "$name"
done < /kind/lab/names
