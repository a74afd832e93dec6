export { checkCluster } from "./cluster";
export { checkDatabase } from "./database";
export { bad, checked, type Finding, ok, refused } from "./finding";
export { checkImages, type WantedImage } from "./images";
export { askRegistry, type ImageAnswer, loginsIn, parseImage } from "./registry";
export { type DeclaredResource, imagesOf, workOf } from "./work";
