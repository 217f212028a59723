// GENERATED from hawser.proto by `npm run proto:generate`, never edited. sha256 c9ddb1304c2a7f7e6c71b0aa0aaa92c011442c9d7975ce30fa09737ce866f279
import * as $protobuf from "../runtime.js";

/** Namespace hawser. */
export namespace hawser {

    /** Namespace v1. */
    namespace v1 {

        /** Codec enum. */
        enum Codec {

            /** CODEC_NONE value */
            CODEC_NONE = 0,

            /** CODEC_DEFLATE value */
            CODEC_DEFLATE = 1
        }

        /** Durability enum. */
        enum Durability {

            /** DURABILITY_UNSPECIFIED value */
            DURABILITY_UNSPECIFIED = 0,

            /** DURABILITY_MEMORY value */
            DURABILITY_MEMORY = 1,

            /** DURABILITY_FSYNC value */
            DURABILITY_FSYNC = 2,

            /** DURABILITY_REPLICATED value */
            DURABILITY_REPLICATED = 3
        }

        /**
         * Properties of a Hello.
         * @deprecated Use hawser.v1.Hello.$Properties instead.
         */
        interface IHello extends hawser.v1.Hello.$Properties {
        }

        /** Represents a Hello. */
        class Hello {

            /**
             * Constructs a new Hello.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Hello.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Hello versionMin. */
            versionMin: number;

            /** Hello versionMax. */
            versionMax: number;

            /** Hello token. */
            token: string;

            /** Hello device. */
            device: Uint8Array;

            /** Hello install. */
            install: Uint8Array;

            /** Hello connection. */
            connection: number;

            /** Hello sync. */
            sync: boolean;

            /** Hello watermark. */
            watermark: Uint8Array;

            /** Hello codecs. */
            codecs: hawser.v1.Codec[];

            /** Hello network. */
            network: string;

            /** Hello frameBytesMax. */
            frameBytesMax: number;

            /** Hello dictionaries. */
            dictionaries: Uint8Array[];

            /** Hello lostAfterMs. */
            lostAfterMs: number;

            /**
             * Encodes the specified Hello message. Does not implicitly {@link hawser.v1.Hello.verify|verify} messages.
             * @param message Hello message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Hello & hawser.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Hello & hawser.v1.Hello.$Shape;
        }

        namespace Hello {

            /** Properties of a Hello. */
            interface $Properties {

                /** Hello versionMin */
                versionMin?: (number|null);

                /** Hello versionMax */
                versionMax?: (number|null);

                /** Hello token */
                token?: (string|null);

                /** Hello device */
                device?: (Uint8Array|null);

                /** Hello install */
                install?: (Uint8Array|null);

                /** Hello connection */
                connection?: (number|null);

                /** Hello sync */
                sync?: (boolean|null);

                /** Hello watermark */
                watermark?: (Uint8Array|null);

                /** Hello codecs */
                codecs?: (hawser.v1.Codec[]|null);

                /** Hello network */
                network?: (string|null);

                /** Hello frameBytesMax */
                frameBytesMax?: (number|null);

                /** Hello dictionaries */
                dictionaries?: (Uint8Array[]|null);

                /** Hello lostAfterMs */
                lostAfterMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Hello. */
            type $Shape = hawser.v1.Hello.$Properties;
        }

        /**
         * Properties of a Welcome.
         * @deprecated Use hawser.v1.Welcome.$Properties instead.
         */
        interface IWelcome extends hawser.v1.Welcome.$Properties {
        }

        /** Represents a Welcome. */
        class Welcome {

            /**
             * Constructs a new Welcome.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Welcome.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Welcome version. */
            version: number;

            /** Welcome session. */
            session: Uint8Array;

            /** Welcome heartbeatMs. */
            heartbeatMs: number;

            /** Welcome frameBytesMax. */
            frameBytesMax: number;

            /** Welcome payloadBytesMax. */
            payloadBytesMax: number;

            /** Welcome codec. */
            codec: hawser.v1.Codec;

            /** Welcome serverTime. */
            serverTime: number;

            /** Welcome user. */
            user: Uint8Array;

            /** Welcome sendsPerSecond. */
            sendsPerSecond: number;

            /** Welcome requestsInFlightMax. */
            requestsInFlightMax: number;

            /** Welcome dictionary. */
            dictionary: Uint8Array;

            /** Welcome dictionaryWanted. */
            dictionaryWanted: Uint8Array;

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link hawser.v1.Welcome.verify|verify} messages.
             * @param message Welcome message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Welcome.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Welcome & hawser.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Welcome & hawser.v1.Welcome.$Shape;
        }

        namespace Welcome {

            /** Properties of a Welcome. */
            interface $Properties {

                /** Welcome version */
                version?: (number|null);

                /** Welcome session */
                session?: (Uint8Array|null);

                /** Welcome heartbeatMs */
                heartbeatMs?: (number|null);

                /** Welcome frameBytesMax */
                frameBytesMax?: (number|null);

                /** Welcome payloadBytesMax */
                payloadBytesMax?: (number|null);

                /** Welcome codec */
                codec?: (hawser.v1.Codec|null);

                /** Welcome serverTime */
                serverTime?: (number|null);

                /** Welcome user */
                user?: (Uint8Array|null);

                /** Welcome sendsPerSecond */
                sendsPerSecond?: (number|null);

                /** Welcome requestsInFlightMax */
                requestsInFlightMax?: (number|null);

                /** Welcome dictionary */
                dictionary?: (Uint8Array|null);

                /** Welcome dictionaryWanted */
                dictionaryWanted?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Welcome. */
            type $Shape = hawser.v1.Welcome.$Properties;
        }

        /** ErrorCode enum. */
        enum ErrorCode {

            /** ERROR_UNSPECIFIED value */
            ERROR_UNSPECIFIED = 0,

            /** BAD_FRAME value */
            BAD_FRAME = 1,

            /** FRAME_TOO_LARGE value */
            FRAME_TOO_LARGE = 2,

            /** HELLO_EXPECTED value */
            HELLO_EXPECTED = 3,

            /** HANDSHAKE_TIMEOUT value */
            HANDSHAKE_TIMEOUT = 4,

            /** VERSION_UNSUPPORTED value */
            VERSION_UNSUPPORTED = 5,

            /** AUTH_FAILED value */
            AUTH_FAILED = 6,

            /** TOKEN_EXPIRED value */
            TOKEN_EXPIRED = 7,

            /** REPLACED value */
            REPLACED = 8,

            /** UNKNOWN_TYPE value */
            UNKNOWN_TYPE = 9,

            /** BAD_REQUEST value */
            BAD_REQUEST = 10,

            /** RATE_LIMITED value */
            RATE_LIMITED = 11,

            /** BUSY value */
            BUSY = 12,

            /** OUT_OF_ORDER value */
            OUT_OF_ORDER = 13,

            /** CLIENT_SEQ_REUSED value */
            CLIENT_SEQ_REUSED = 14,

            /** PAYLOAD_TOO_LARGE value */
            PAYLOAD_TOO_LARGE = 15,

            /** BAD_TEXT value */
            BAD_TEXT = 16,

            /** NOT_MEMBER value */
            NOT_MEMBER = 17,

            /** FORBIDDEN value */
            FORBIDDEN = 18,

            /** UNSUPPORTED value */
            UNSUPPORTED = 19,

            /** SLOW_CONSUMER value */
            SLOW_CONSUMER = 20,

            /** IDLE_TIMEOUT value */
            IDLE_TIMEOUT = 21,

            /** TOO_MANY_CONNECTIONS value */
            TOO_MANY_CONNECTIONS = 22,

            /** INTERNAL value */
            INTERNAL = 23
        }

        /**
         * Properties of an Error.
         * @deprecated Use hawser.v1.Error.$Properties instead.
         */
        interface IError extends hawser.v1.Error.$Properties {
        }

        /** Represents an Error. */
        class Error {

            /**
             * Constructs a new Error.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Error.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Error code. */
            code: hawser.v1.ErrorCode;

            /** Error ref. */
            ref: number;

            /** Error retryAfterMs. */
            retryAfterMs: number;

            /** Error closes. */
            closes: boolean;

            /** Error expected. */
            expected: number;

            /** Error detail. */
            detail: string;

            /**
             * Encodes the specified Error message. Does not implicitly {@link hawser.v1.Error.verify|verify} messages.
             * @param message Error message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Error.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Error message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Error & hawser.v1.Error.$Shape} Error
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Error & hawser.v1.Error.$Shape;
        }

        namespace Error {

            /** Properties of an Error. */
            interface $Properties {

                /** Error code */
                code?: (hawser.v1.ErrorCode|null);

                /** Error ref */
                ref?: (number|null);

                /** Error retryAfterMs */
                retryAfterMs?: (number|null);

                /** Error closes */
                closes?: (boolean|null);

                /** Error expected */
                expected?: (number|null);

                /** Error detail */
                detail?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Error. */
            type $Shape = hawser.v1.Error.$Properties;
        }

        /** GoAwayReason enum. */
        enum GoAwayReason {

            /** GO_AWAY_UNSPECIFIED value */
            GO_AWAY_UNSPECIFIED = 0,

            /** GO_AWAY_DRAIN value */
            GO_AWAY_DRAIN = 1,

            /** GO_AWAY_LIFETIME value */
            GO_AWAY_LIFETIME = 2
        }

        /**
         * Properties of a GoAway.
         * @deprecated Use hawser.v1.GoAway.$Properties instead.
         */
        interface IGoAway extends hawser.v1.GoAway.$Properties {
        }

        /** Represents a GoAway. */
        class GoAway {

            /**
             * Constructs a new GoAway.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.GoAway.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** GoAway reason. */
            reason: hawser.v1.GoAwayReason;

            /** GoAway reconnectAfterMs. */
            reconnectAfterMs: number;

            /** GoAway target. */
            target: string;

            /**
             * Encodes the specified GoAway message. Does not implicitly {@link hawser.v1.GoAway.verify|verify} messages.
             * @param message GoAway message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.GoAway.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a GoAway message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.GoAway & hawser.v1.GoAway.$Shape} GoAway
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.GoAway & hawser.v1.GoAway.$Shape;
        }

        namespace GoAway {

            /** Properties of a GoAway. */
            interface $Properties {

                /** GoAway reason */
                reason?: (hawser.v1.GoAwayReason|null);

                /** GoAway reconnectAfterMs */
                reconnectAfterMs?: (number|null);

                /** GoAway target */
                target?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a GoAway. */
            type $Shape = hawser.v1.GoAway.$Properties;
        }

        /**
         * Properties of a Send.
         * @deprecated Use hawser.v1.Send.$Properties instead.
         */
        interface ISend extends hawser.v1.Send.$Properties {
        }

        /** Represents a Send. */
        class Send {

            /**
             * Constructs a new Send.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Send.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Send peer. */
            peer: Uint8Array;

            /** Send group. */
            group: Uint8Array;

            /** Send self. */
            self: boolean;

            /** Send clientSeq. */
            clientSeq: number;

            /** Send kind. */
            kind: number;

            /** Send payload. */
            payload: Uint8Array;

            /**
             * Encodes the specified Send message. Does not implicitly {@link hawser.v1.Send.verify|verify} messages.
             * @param message Send message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Send.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Send message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Send & hawser.v1.Send.$Shape} Send
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Send & hawser.v1.Send.$Shape;
        }

        namespace Send {

            /** Properties of a Send. */
            interface $Properties {

                /** Send peer */
                peer?: (Uint8Array|null);

                /** Send group */
                group?: (Uint8Array|null);

                /** Send self */
                self?: (boolean|null);

                /** Send clientSeq */
                clientSeq?: (number|null);

                /** Send kind */
                kind?: (number|null);

                /** Send payload */
                payload?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Send. */
            type $Shape = hawser.v1.Send.$Properties;
        }

        /**
         * Properties of a Sent.
         * @deprecated Use hawser.v1.Sent.$Properties instead.
         */
        interface ISent extends hawser.v1.Sent.$Properties {
        }

        /** Represents a Sent. */
        class Sent {

            /**
             * Constructs a new Sent.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Sent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Sent ref. */
            ref: number;

            /** Sent seq. */
            seq: number;

            /** Sent time. */
            time: number;

            /** Sent durability. */
            durability: hawser.v1.Durability;

            /**
             * Encodes the specified Sent message. Does not implicitly {@link hawser.v1.Sent.verify|verify} messages.
             * @param message Sent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Sent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Sent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Sent & hawser.v1.Sent.$Shape} Sent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Sent & hawser.v1.Sent.$Shape;
        }

        namespace Sent {

            /** Properties of a Sent. */
            interface $Properties {

                /** Sent ref */
                ref?: (number|null);

                /** Sent seq */
                seq?: (number|null);

                /** Sent time */
                time?: (number|null);

                /** Sent durability */
                durability?: (hawser.v1.Durability|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Sent. */
            type $Shape = hawser.v1.Sent.$Properties;
        }

        /**
         * Properties of a Push.
         * @deprecated Use hawser.v1.Push.$Properties instead.
         */
        interface IPush extends hawser.v1.Push.$Properties {
        }

        /** Represents a Push. */
        class Push {

            /**
             * Constructs a new Push.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Push.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Push from. */
            from: Uint8Array;

            /** Push group. */
            group: Uint8Array;

            /** Push to. */
            to: Uint8Array;

            /** Push seq. */
            seq: number;

            /** Push time. */
            time: number;

            /** Push kind. */
            kind: number;

            /** Push payload. */
            payload: Uint8Array;

            /** Push install. */
            install: Uint8Array;

            /** Push clientSeq. */
            clientSeq: number;

            /** Push uncounted. */
            uncounted: number;

            /** Push self. */
            self: boolean;

            /**
             * Encodes the specified Push message. Does not implicitly {@link hawser.v1.Push.verify|verify} messages.
             * @param message Push message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Push.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Push message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Push & hawser.v1.Push.$Shape} Push
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Push & hawser.v1.Push.$Shape;
        }

        namespace Push {

            /** Properties of a Push. */
            interface $Properties {

                /** Push from */
                from?: (Uint8Array|null);

                /** Push group */
                group?: (Uint8Array|null);

                /** Push to */
                to?: (Uint8Array|null);

                /** Push seq */
                seq?: (number|null);

                /** Push time */
                time?: (number|null);

                /** Push kind */
                kind?: (number|null);

                /** Push payload */
                payload?: (Uint8Array|null);

                /** Push install */
                install?: (Uint8Array|null);

                /** Push clientSeq */
                clientSeq?: (number|null);

                /** Push uncounted */
                uncounted?: (number|null);

                /** Push self */
                self?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Push. */
            type $Shape = hawser.v1.Push.$Properties;
        }

        /**
         * Properties of a Sync.
         * @deprecated Use hawser.v1.Sync.$Properties instead.
         */
        interface ISync extends hawser.v1.Sync.$Properties {
        }

        /** Represents a Sync. */
        class Sync {

            /**
             * Constructs a new Sync.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Sync.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Sync watermark. */
            watermark: Uint8Array;

            /**
             * Encodes the specified Sync message. Does not implicitly {@link hawser.v1.Sync.verify|verify} messages.
             * @param message Sync message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Sync.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Sync message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Sync & hawser.v1.Sync.$Shape} Sync
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Sync & hawser.v1.Sync.$Shape;
        }

        namespace Sync {

            /** Properties of a Sync. */
            interface $Properties {

                /** Sync watermark */
                watermark?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Sync. */
            type $Shape = hawser.v1.Sync.$Properties;
        }

        /**
         * Properties of a Head.
         * @deprecated Use hawser.v1.Head.$Properties instead.
         */
        interface IHead extends hawser.v1.Head.$Properties {
        }

        /** Represents a Head. */
        class Head {

            /**
             * Constructs a new Head.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Head.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Head peer. */
            peer: Uint8Array;

            /** Head group. */
            group: Uint8Array;

            /** Head self. */
            self: boolean;

            /** Head seq. */
            seq: number;

            /** Head hash. */
            hash: Uint8Array;

            /** Head time. */
            time: number;

            /** Head uncounted. */
            uncounted: number;

            /** Head readSeq. */
            readSeq: number;

            /**
             * Encodes the specified Head message. Does not implicitly {@link hawser.v1.Head.verify|verify} messages.
             * @param message Head message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Head.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Head message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Head & hawser.v1.Head.$Shape} Head
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Head & hawser.v1.Head.$Shape;
        }

        namespace Head {

            /** Properties of a Head. */
            interface $Properties {

                /** Head peer */
                peer?: (Uint8Array|null);

                /** Head group */
                group?: (Uint8Array|null);

                /** Head self */
                self?: (boolean|null);

                /** Head seq */
                seq?: (number|null);

                /** Head hash */
                hash?: (Uint8Array|null);

                /** Head time */
                time?: (number|null);

                /** Head uncounted */
                uncounted?: (number|null);

                /** Head readSeq */
                readSeq?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Head. */
            type $Shape = hawser.v1.Head.$Properties;
        }

        /**
         * Properties of a Heads.
         * @deprecated Use hawser.v1.Heads.$Properties instead.
         */
        interface IHeads extends hawser.v1.Heads.$Properties {
        }

        /** Represents a Heads. */
        class Heads {

            /**
             * Constructs a new Heads.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Heads.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Heads ref. */
            ref: number;

            /** Heads heads. */
            heads: hawser.v1.Head.$Properties[];

            /** Heads watermark. */
            watermark: Uint8Array;

            /** Heads more. */
            more: boolean;

            /**
             * Encodes the specified Heads message. Does not implicitly {@link hawser.v1.Heads.verify|verify} messages.
             * @param message Heads message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Heads.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Heads message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Heads & hawser.v1.Heads.$Shape} Heads
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Heads & hawser.v1.Heads.$Shape;
        }

        namespace Heads {

            /** Properties of a Heads. */
            interface $Properties {

                /** Heads ref */
                ref?: (number|null);

                /** Heads heads */
                heads?: (hawser.v1.Head.$Properties[]|null);

                /** Heads watermark */
                watermark?: (Uint8Array|null);

                /** Heads more */
                more?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Heads. */
            type $Shape = hawser.v1.Heads.$Properties;
        }

        /**
         * Properties of a Fetch.
         * @deprecated Use hawser.v1.Fetch.$Properties instead.
         */
        interface IFetch extends hawser.v1.Fetch.$Properties {
        }

        /** Represents a Fetch. */
        class Fetch {

            /**
             * Constructs a new Fetch.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Fetch.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Fetch peer. */
            peer: Uint8Array;

            /** Fetch group. */
            group: Uint8Array;

            /** Fetch self. */
            self: boolean;

            /** Fetch fromSeq. */
            fromSeq: number;

            /** Fetch backward. */
            backward: boolean;

            /** Fetch limit. */
            limit: number;

            /**
             * Encodes the specified Fetch message. Does not implicitly {@link hawser.v1.Fetch.verify|verify} messages.
             * @param message Fetch message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Fetch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Fetch message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Fetch & hawser.v1.Fetch.$Shape} Fetch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Fetch & hawser.v1.Fetch.$Shape;
        }

        namespace Fetch {

            /** Properties of a Fetch. */
            interface $Properties {

                /** Fetch peer */
                peer?: (Uint8Array|null);

                /** Fetch group */
                group?: (Uint8Array|null);

                /** Fetch self */
                self?: (boolean|null);

                /** Fetch fromSeq */
                fromSeq?: (number|null);

                /** Fetch backward */
                backward?: (boolean|null);

                /** Fetch limit */
                limit?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Fetch. */
            type $Shape = hawser.v1.Fetch.$Properties;
        }

        /**
         * Properties of a Page.
         * @deprecated Use hawser.v1.Page.$Properties instead.
         */
        interface IPage extends hawser.v1.Page.$Properties {
        }

        /** Represents a Page. */
        class Page {

            /**
             * Constructs a new Page.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Page.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Page peer. */
            peer: Uint8Array;

            /** Page group. */
            group: Uint8Array;

            /** Page self. */
            self: boolean;

            /** Page ref. */
            ref: number;

            /** Page rows. */
            rows: hawser.v1.Push.$Properties[];

            /** Page hashBefore. */
            hashBefore: Uint8Array;

            /** Page headSeq. */
            headSeq: number;

            /** Page more. */
            more: boolean;

            /**
             * Encodes the specified Page message. Does not implicitly {@link hawser.v1.Page.verify|verify} messages.
             * @param message Page message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Page.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Page message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Page & hawser.v1.Page.$Shape} Page
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Page & hawser.v1.Page.$Shape;
        }

        namespace Page {

            /** Properties of a Page. */
            interface $Properties {

                /** Page peer */
                peer?: (Uint8Array|null);

                /** Page group */
                group?: (Uint8Array|null);

                /** Page self */
                self?: (boolean|null);

                /** Page ref */
                ref?: (number|null);

                /** Page rows */
                rows?: (hawser.v1.Push.$Properties[]|null);

                /** Page hashBefore */
                hashBefore?: (Uint8Array|null);

                /** Page headSeq */
                headSeq?: (number|null);

                /** Page more */
                more?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Page. */
            type $Shape = hawser.v1.Page.$Properties;
        }

        /**
         * Properties of a Check.
         * @deprecated Use hawser.v1.Check.$Properties instead.
         */
        interface ICheck extends hawser.v1.Check.$Properties {
        }

        /** Represents a Check. */
        class Check {

            /**
             * Constructs a new Check.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Check.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Check digest. */
            digest: Uint8Array;

            /** Check count. */
            count: number;

            /**
             * Encodes the specified Check message. Does not implicitly {@link hawser.v1.Check.verify|verify} messages.
             * @param message Check message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Check.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Check message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Check & hawser.v1.Check.$Shape} Check
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Check & hawser.v1.Check.$Shape;
        }

        namespace Check {

            /** Properties of a Check. */
            interface $Properties {

                /** Check digest */
                digest?: (Uint8Array|null);

                /** Check count */
                count?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Check. */
            type $Shape = hawser.v1.Check.$Properties;
        }

        /**
         * Properties of a Checked.
         * @deprecated Use hawser.v1.Checked.$Properties instead.
         */
        interface IChecked extends hawser.v1.Checked.$Properties {
        }

        /** Represents a Checked. */
        class Checked {

            /**
             * Constructs a new Checked.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Checked.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Checked ref. */
            ref: number;

            /**
             * Encodes the specified Checked message. Does not implicitly {@link hawser.v1.Checked.verify|verify} messages.
             * @param message Checked message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Checked.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Checked message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Checked & hawser.v1.Checked.$Shape} Checked
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Checked & hawser.v1.Checked.$Shape;
        }

        namespace Checked {

            /** Properties of a Checked. */
            interface $Properties {

                /** Checked ref */
                ref?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Checked. */
            type $Shape = hawser.v1.Checked.$Properties;
        }

        /**
         * Properties of a Read.
         * @deprecated Use hawser.v1.Read.$Properties instead.
         */
        interface IRead extends hawser.v1.Read.$Properties {
        }

        /** Represents a Read. */
        class Read {

            /**
             * Constructs a new Read.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Read.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Read peer. */
            peer: Uint8Array;

            /** Read group. */
            group: Uint8Array;

            /** Read self. */
            self: boolean;

            /** Read seq. */
            seq: number;

            /**
             * Encodes the specified Read message. Does not implicitly {@link hawser.v1.Read.verify|verify} messages.
             * @param message Read message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Read.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Read message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Read & hawser.v1.Read.$Shape} Read
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Read & hawser.v1.Read.$Shape;
        }

        namespace Read {

            /** Properties of a Read. */
            interface $Properties {

                /** Read peer */
                peer?: (Uint8Array|null);

                /** Read group */
                group?: (Uint8Array|null);

                /** Read self */
                self?: (boolean|null);

                /** Read seq */
                seq?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Read. */
            type $Shape = hawser.v1.Read.$Properties;
        }

        /**
         * Properties of a Resync.
         * @deprecated Use hawser.v1.Resync.$Properties instead.
         */
        interface IResync extends hawser.v1.Resync.$Properties {
        }

        /** Represents a Resync. */
        class Resync {

            /**
             * Constructs a new Resync.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Resync.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified Resync message. Does not implicitly {@link hawser.v1.Resync.verify|verify} messages.
             * @param message Resync message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Resync.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Resync message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Resync & hawser.v1.Resync.$Shape} Resync
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Resync & hawser.v1.Resync.$Shape;
        }

        namespace Resync {

            /** Properties of a Resync. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Resync. */
            type $Shape = hawser.v1.Resync.$Properties;
        }

        /**
         * Properties of a Heartbeat.
         * @deprecated Use hawser.v1.Heartbeat.$Properties instead.
         */
        interface IHeartbeat extends hawser.v1.Heartbeat.$Properties {
        }

        /** Represents a Heartbeat. */
        class Heartbeat {

            /**
             * Constructs a new Heartbeat.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Heartbeat.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Heartbeat heartbeatMs. */
            heartbeatMs: number;

            /**
             * Encodes the specified Heartbeat message. Does not implicitly {@link hawser.v1.Heartbeat.verify|verify} messages.
             * @param message Heartbeat message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Heartbeat.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Heartbeat message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Heartbeat & hawser.v1.Heartbeat.$Shape} Heartbeat
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Heartbeat & hawser.v1.Heartbeat.$Shape;
        }

        namespace Heartbeat {

            /** Properties of a Heartbeat. */
            interface $Properties {

                /** Heartbeat heartbeatMs */
                heartbeatMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Heartbeat. */
            type $Shape = hawser.v1.Heartbeat.$Properties;
        }

        /**
         * Properties of a Dictionary.
         * @deprecated Use hawser.v1.Dictionary.$Properties instead.
         */
        interface IDictionary extends hawser.v1.Dictionary.$Properties {
        }

        /** Represents a Dictionary. */
        class Dictionary {

            /**
             * Constructs a new Dictionary.
             * @param [properties] Properties to set
             */
            constructor(properties?: hawser.v1.Dictionary.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Dictionary id. */
            id: Uint8Array;

            /** Dictionary ref. */
            ref: number;

            /** Dictionary bytes. */
            bytes: Uint8Array;

            /**
             * Encodes the specified Dictionary message. Does not implicitly {@link hawser.v1.Dictionary.verify|verify} messages.
             * @param message Dictionary message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: hawser.v1.Dictionary.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Dictionary message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {hawser.v1.Dictionary & hawser.v1.Dictionary.$Shape} Dictionary
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): hawser.v1.Dictionary & hawser.v1.Dictionary.$Shape;
        }

        namespace Dictionary {

            /** Properties of a Dictionary. */
            interface $Properties {

                /** Dictionary id */
                id?: (Uint8Array|null);

                /** Dictionary ref */
                ref?: (number|null);

                /** Dictionary bytes */
                bytes?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Dictionary. */
            type $Shape = hawser.v1.Dictionary.$Properties;
        }
    }
}
