// How a gateway treats a delivery when its connection lags: fabric.proto's DeliveryClass, as plain numbers.
import { hawser as fabric } from "./gen/fabric.js";

export const DeliveryClass = {
  Control: fabric.fabric.v1.DeliveryClass.DELIVERY_CONTROL as number,
  Push: fabric.fabric.v1.DeliveryClass.DELIVERY_PUSH as number,
  Sync: fabric.fabric.v1.DeliveryClass.DELIVERY_SYNC as number,
  Close: fabric.fabric.v1.DeliveryClass.DELIVERY_CLOSE as number,
  Receipt: fabric.fabric.v1.DeliveryClass.DELIVERY_RECEIPT as number,
  Ephemeral: fabric.fabric.v1.DeliveryClass.DELIVERY_EPHEMERAL as number,
} as const;
export const DELIVERY_CLASSES = 6;
