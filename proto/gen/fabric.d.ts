// GENERATED from fabric.proto by `npm run proto:generate`, never edited. sha256 c8fb5d844eb9ab70932148fbc27982bdad45e7bba3840272b78531dee8ebf95b
import * as $protobuf from "../runtime.js";

/** Namespace hawser. */
export namespace hawser {

    /** Namespace fabric. */
    namespace fabric {

        /** Namespace v1. */
        namespace v1 {

            /**
             * Properties of a LinkHead.
             * @deprecated Use hawser.fabric.v1.LinkHead.$Properties instead.
             */
            interface ILinkHead extends hawser.fabric.v1.LinkHead.$Properties {
            }

            /** Represents a LinkHead. */
            class LinkHead {

                /**
                 * Constructs a new LinkHead.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.LinkHead.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** LinkHead from. */
                from: Uint8Array;

                /** LinkHead to. */
                to: Uint8Array;

                /** LinkHead link. */
                link: number;

                /** LinkHead number. */
                number: number;

                /** LinkHead last. */
                last: number;

                /** LinkHead ack. */
                ack: number;

                /** LinkHead reset. */
                reset: boolean;

                /**
                 * Encodes the specified LinkHead message. Does not implicitly {@link hawser.fabric.v1.LinkHead.verify|verify} messages.
                 * @param message LinkHead message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.LinkHead.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LinkHead message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.LinkHead & hawser.fabric.v1.LinkHead.$Shape} LinkHead
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.LinkHead & hawser.fabric.v1.LinkHead.$Shape;
            }

            namespace LinkHead {

                /** Properties of a LinkHead. */
                interface $Properties {

                    /** LinkHead from */
                    from?: (Uint8Array|null);

                    /** LinkHead to */
                    to?: (Uint8Array|null);

                    /** LinkHead link */
                    link?: (number|null);

                    /** LinkHead number */
                    number?: (number|null);

                    /** LinkHead last */
                    last?: (number|null);

                    /** LinkHead ack */
                    ack?: (number|null);

                    /** LinkHead reset */
                    reset?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a LinkHead. */
                type $Shape = hawser.fabric.v1.LinkHead.$Properties;
            }

            /** Operation enum. */
            enum Operation {

                /** OPERATION_NONE value */
                OPERATION_NONE = 0,

                /** OPERATION_ATTACH value */
                OPERATION_ATTACH = 64,

                /** OPERATION_DETACH value */
                OPERATION_DETACH = 65
            }

            /**
             * Properties of a Command.
             * @deprecated Use hawser.fabric.v1.Command.$Properties instead.
             */
            interface ICommand extends hawser.fabric.v1.Command.$Properties {
            }

            /** Represents a Command. */
            class Command {

                /**
                 * Constructs a new Command.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Command.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Command slot. */
                slot: number;

                /** Command generation. */
                generation: number;

                /** Command type. */
                type: number;

                /** Command ref. */
                ref: number;

                /** Command body. */
                body: Uint8Array;

                /** Command user. */
                user: Uint8Array;

                /** Command install. */
                install: Uint8Array;

                /**
                 * Encodes the specified Command message. Does not implicitly {@link hawser.fabric.v1.Command.verify|verify} messages.
                 * @param message Command message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Command.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Command message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Command & hawser.fabric.v1.Command.$Shape} Command
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Command & hawser.fabric.v1.Command.$Shape;
            }

            namespace Command {

                /** Properties of a Command. */
                interface $Properties {

                    /** Command slot */
                    slot?: (number|null);

                    /** Command generation */
                    generation?: (number|null);

                    /** Command type */
                    type?: (number|null);

                    /** Command ref */
                    ref?: (number|null);

                    /** Command body */
                    body?: (Uint8Array|null);

                    /** Command user */
                    user?: (Uint8Array|null);

                    /** Command install */
                    install?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Command. */
                type $Shape = hawser.fabric.v1.Command.$Properties;
            }

            /**
             * Properties of an Attach.
             * @deprecated Use hawser.fabric.v1.Attach.$Properties instead.
             */
            interface IAttach extends hawser.fabric.v1.Attach.$Properties {
            }

            /** Represents an Attach. */
            class Attach {

                /**
                 * Constructs a new Attach.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Attach.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Attach device. */
                device: Uint8Array;

                /** Attach connection. */
                connection: number;

                /** Attach sync. */
                sync: boolean;

                /** Attach watermark. */
                watermark: Uint8Array;

                /** Attach report. */
                report: boolean;

                /** Attach frameBytesMax. */
                frameBytesMax: number;

                /**
                 * Encodes the specified Attach message. Does not implicitly {@link hawser.fabric.v1.Attach.verify|verify} messages.
                 * @param message Attach message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Attach.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Attach message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Attach & hawser.fabric.v1.Attach.$Shape} Attach
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Attach & hawser.fabric.v1.Attach.$Shape;
            }

            namespace Attach {

                /** Properties of an Attach. */
                interface $Properties {

                    /** Attach device */
                    device?: (Uint8Array|null);

                    /** Attach connection */
                    connection?: (number|null);

                    /** Attach sync */
                    sync?: (boolean|null);

                    /** Attach watermark */
                    watermark?: (Uint8Array|null);

                    /** Attach report */
                    report?: (boolean|null);

                    /** Attach frameBytesMax */
                    frameBytesMax?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Attach. */
                type $Shape = hawser.fabric.v1.Attach.$Properties;
            }

            /**
             * Properties of an Up.
             * @deprecated Use hawser.fabric.v1.Up.$Properties instead.
             */
            interface IUp extends hawser.fabric.v1.Up.$Properties {
            }

            /** Represents an Up. */
            class Up {

                /**
                 * Constructs a new Up.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Up.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Up head. */
                head?: (hawser.fabric.v1.LinkHead.$Properties|null);

                /** Up commands. */
                commands: hawser.fabric.v1.Command.$Properties[];

                /** Up sessions. */
                sessions: number;

                /** Up digest. */
                digest: number;

                /**
                 * Encodes the specified Up message. Does not implicitly {@link hawser.fabric.v1.Up.verify|verify} messages.
                 * @param message Up message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Up.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Up message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Up & hawser.fabric.v1.Up.$Shape} Up
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Up & hawser.fabric.v1.Up.$Shape;
            }

            namespace Up {

                /** Properties of an Up. */
                interface $Properties {

                    /** Up head */
                    head?: (hawser.fabric.v1.LinkHead.$Properties|null);

                    /** Up commands */
                    commands?: (hawser.fabric.v1.Command.$Properties[]|null);

                    /** Up sessions */
                    sessions?: (number|null);

                    /** Up digest */
                    digest?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Up. */
                type $Shape = hawser.fabric.v1.Up.$Properties;
            }

            /** DeliveryClass enum. */
            enum DeliveryClass {

                /** DELIVERY_CONTROL value */
                DELIVERY_CONTROL = 0,

                /** DELIVERY_PUSH value */
                DELIVERY_PUSH = 1,

                /** DELIVERY_SYNC value */
                DELIVERY_SYNC = 2,

                /** DELIVERY_CLOSE value */
                DELIVERY_CLOSE = 3,

                /** DELIVERY_RECEIPT value */
                DELIVERY_RECEIPT = 4,

                /** DELIVERY_EPHEMERAL value */
                DELIVERY_EPHEMERAL = 5
            }

            /**
             * Properties of a Delivery.
             * @deprecated Use hawser.fabric.v1.Delivery.$Properties instead.
             */
            interface IDelivery extends hawser.fabric.v1.Delivery.$Properties {
            }

            /** Represents a Delivery. */
            class Delivery {

                /**
                 * Constructs a new Delivery.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Delivery.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Delivery frame. */
                frame: Uint8Array;

                /** Delivery slots. */
                slots: number[];

                /** Delivery generations. */
                generations: number[];

                /** Delivery class. */
                class: hawser.fabric.v1.DeliveryClass;

                /**
                 * Encodes the specified Delivery message. Does not implicitly {@link hawser.fabric.v1.Delivery.verify|verify} messages.
                 * @param message Delivery message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Delivery.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Delivery message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Delivery & hawser.fabric.v1.Delivery.$Shape} Delivery
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Delivery & hawser.fabric.v1.Delivery.$Shape;
            }

            namespace Delivery {

                /** Properties of a Delivery. */
                interface $Properties {

                    /** Delivery frame */
                    frame?: (Uint8Array|null);

                    /** Delivery slots */
                    slots?: (number[]|null);

                    /** Delivery generations */
                    generations?: (number[]|null);

                    /** Delivery class */
                    "class"?: (hawser.fabric.v1.DeliveryClass|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Delivery. */
                type $Shape = hawser.fabric.v1.Delivery.$Properties;
            }

            /**
             * Properties of a Down.
             * @deprecated Use hawser.fabric.v1.Down.$Properties instead.
             */
            interface IDown extends hawser.fabric.v1.Down.$Properties {
            }

            /** Represents a Down. */
            class Down {

                /**
                 * Constructs a new Down.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Down.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Down head. */
                head?: (hawser.fabric.v1.LinkHead.$Properties|null);

                /** Down epoch. */
                epoch: number;

                /** Down deliveries. */
                deliveries: hawser.fabric.v1.Delivery.$Properties[];

                /**
                 * Encodes the specified Down message. Does not implicitly {@link hawser.fabric.v1.Down.verify|verify} messages.
                 * @param message Down message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Down.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Down message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Down & hawser.fabric.v1.Down.$Shape} Down
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Down & hawser.fabric.v1.Down.$Shape;
            }

            namespace Down {

                /** Properties of a Down. */
                interface $Properties {

                    /** Down head */
                    head?: (hawser.fabric.v1.LinkHead.$Properties|null);

                    /** Down epoch */
                    epoch?: (number|null);

                    /** Down deliveries */
                    deliveries?: (hawser.fabric.v1.Delivery.$Properties[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Down. */
                type $Shape = hawser.fabric.v1.Down.$Properties;
            }

            /**
             * Properties of an Owner.
             * @deprecated Use hawser.fabric.v1.Owner.$Properties instead.
             */
            interface IOwner extends hawser.fabric.v1.Owner.$Properties {
            }

            /** Represents an Owner. */
            class Owner {

                /**
                 * Constructs a new Owner.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.Owner.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Owner incarnation. */
                incarnation: Uint8Array;

                /** Owner epoch. */
                epoch: number;

                /** Owner shardFirst. */
                shardFirst: number;

                /** Owner shardLast. */
                shardLast: number;

                /** Owner shardCount. */
                shardCount: number;

                /** Owner store. */
                store: Uint8Array;

                /**
                 * Encodes the specified Owner message. Does not implicitly {@link hawser.fabric.v1.Owner.verify|verify} messages.
                 * @param message Owner message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.Owner.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Owner message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Owner & hawser.fabric.v1.Owner.$Shape} Owner
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.Owner & hawser.fabric.v1.Owner.$Shape;
            }

            namespace Owner {

                /** Properties of an Owner. */
                interface $Properties {

                    /** Owner incarnation */
                    incarnation?: (Uint8Array|null);

                    /** Owner epoch */
                    epoch?: (number|null);

                    /** Owner shardFirst */
                    shardFirst?: (number|null);

                    /** Owner shardLast */
                    shardLast?: (number|null);

                    /** Owner shardCount */
                    shardCount?: (number|null);

                    /** Owner store */
                    store?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Owner. */
                type $Shape = hawser.fabric.v1.Owner.$Properties;
            }

            /**
             * Properties of a GatewayEntry.
             * @deprecated Use hawser.fabric.v1.GatewayEntry.$Properties instead.
             */
            interface IGatewayEntry extends hawser.fabric.v1.GatewayEntry.$Properties {
            }

            /** Represents a GatewayEntry. */
            class GatewayEntry {

                /**
                 * Constructs a new GatewayEntry.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: hawser.fabric.v1.GatewayEntry.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** GatewayEntry incarnation. */
                incarnation: Uint8Array;

                /** GatewayEntry tcp. */
                tcp: string;

                /** GatewayEntry websocket. */
                websocket: string;

                /** GatewayEntry sessions. */
                sessions: number;

                /** GatewayEntry sessionsMax. */
                sessionsMax: number;

                /** GatewayEntry draining. */
                draining: boolean;

                /**
                 * Encodes the specified GatewayEntry message. Does not implicitly {@link hawser.fabric.v1.GatewayEntry.verify|verify} messages.
                 * @param message GatewayEntry message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: hawser.fabric.v1.GatewayEntry.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a GatewayEntry message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.GatewayEntry & hawser.fabric.v1.GatewayEntry.$Shape} GatewayEntry
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.fabric.v1.GatewayEntry & hawser.fabric.v1.GatewayEntry.$Shape;
            }

            namespace GatewayEntry {

                /** Properties of a GatewayEntry. */
                interface $Properties {

                    /** GatewayEntry incarnation */
                    incarnation?: (Uint8Array|null);

                    /** GatewayEntry tcp */
                    tcp?: (string|null);

                    /** GatewayEntry websocket */
                    websocket?: (string|null);

                    /** GatewayEntry sessions */
                    sessions?: (number|null);

                    /** GatewayEntry sessionsMax */
                    sessionsMax?: (number|null);

                    /** GatewayEntry draining */
                    draining?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a GatewayEntry. */
                type $Shape = hawser.fabric.v1.GatewayEntry.$Properties;
            }
        }
    }
}
