export { checkCluster } from "./cluster";
export { checkDatabase } from "./database";
export { bad, checked, type Finding, ok, refused } from "./finding";
export { checkImages, type WantedImage } from "./images";
export { checkSignatures } from "./signatures";
export { type DeclaredResource, imagesOf, workOf } from "./work";
