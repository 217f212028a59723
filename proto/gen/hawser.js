// GENERATED from hawser.proto by `npm run proto:generate`, never edited. sha256 c9ddb1304c2a7f7e6c71b0aa0aaa92c011442c9d7975ce30fa09737ce866f279
/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "../runtime.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["hawser"] || ($protobuf.roots["hawser"] = {});

export const hawser = $root.hawser = (() => {

    /**
     * Namespace hawser.
     * @exports hawser
     * @namespace
     */
    const hawser = {};

    hawser.v1 = (function() {

        /**
         * Namespace v1.
         * @memberof hawser
         * @namespace
         */
        const v1 = {};

        /**
         * Codec enum.
         * @name hawser.v1.Codec
         * @enum {number}
         * @property {number} CODEC_NONE=0 CODEC_NONE value
         * @property {number} CODEC_DEFLATE=1 CODEC_DEFLATE value
         */
        v1.Codec = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "CODEC_NONE"] = 0;
            values[valuesById[1] = "CODEC_DEFLATE"] = 1;
            return values;
        })();

        /**
         * Durability enum.
         * @name hawser.v1.Durability
         * @enum {number}
         * @property {number} DURABILITY_UNSPECIFIED=0 DURABILITY_UNSPECIFIED value
         * @property {number} DURABILITY_MEMORY=1 DURABILITY_MEMORY value
         * @property {number} DURABILITY_FSYNC=2 DURABILITY_FSYNC value
         * @property {number} DURABILITY_REPLICATED=3 DURABILITY_REPLICATED value
         */
        v1.Durability = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "DURABILITY_UNSPECIFIED"] = 0;
            values[valuesById[1] = "DURABILITY_MEMORY"] = 1;
            values[valuesById[2] = "DURABILITY_FSYNC"] = 2;
            values[valuesById[3] = "DURABILITY_REPLICATED"] = 3;
            return values;
        })();

        v1.Hello = (function() {

            /**
             * Properties of a Hello.
             * @typedef {Object} hawser.v1.Hello.$Properties
             * @property {number|null} [versionMin] Hello versionMin
             * @property {number|null} [versionMax] Hello versionMax
             * @property {string|null} [token] Hello token
             * @property {Uint8Array|null} [device] Hello device
             * @property {Uint8Array|null} [install] Hello install
             * @property {number|null} [connection] Hello connection
             * @property {boolean|null} [sync] Hello sync
             * @property {Uint8Array|null} [watermark] Hello watermark
             * @property {Array.<hawser.v1.Codec>|null} [codecs] Hello codecs
             * @property {string|null} [network] Hello network
             * @property {number|null} [frameBytesMax] Hello frameBytesMax
             * @property {Array.<Uint8Array>|null} [dictionaries] Hello dictionaries
             * @property {number|null} [lostAfterMs] Hello lostAfterMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Hello.
             * @memberof hawser.v1
             * @interface IHello
             * @augments hawser.v1.Hello.$Properties
             * @deprecated Use hawser.v1.Hello.$Properties instead.
             */

            /**
             * Shape of a Hello.
             * @typedef {hawser.v1.Hello.$Properties} hawser.v1.Hello.$Shape
             */

            /**
             * Constructs a new Hello.
             * @memberof hawser.v1
             * @classdesc Represents a Hello.
             * @constructor
             * @param {hawser.v1.Hello.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Hello = function (properties) {
                this.codecs = [];
                this.dictionaries = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Hello versionMin.
             * @member {number} versionMin
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.versionMin = 0;

            /**
             * Hello versionMax.
             * @member {number} versionMax
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.versionMax = 0;

            /**
             * Hello token.
             * @member {string} token
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.token = "";

            /**
             * Hello device.
             * @member {Uint8Array} device
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.device = $util.newBuffer([]);

            /**
             * Hello install.
             * @member {Uint8Array} install
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.install = $util.newBuffer([]);

            /**
             * Hello connection.
             * @member {number} connection
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.connection = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Hello sync.
             * @member {boolean} sync
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.sync = false;

            /**
             * Hello watermark.
             * @member {Uint8Array} watermark
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.watermark = $util.newBuffer([]);

            /**
             * Hello codecs.
             * @member {Array.<hawser.v1.Codec>} codecs
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.codecs = $util.emptyArray;

            /**
             * Hello network.
             * @member {string} network
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.network = "";

            /**
             * Hello frameBytesMax.
             * @member {number} frameBytesMax
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.frameBytesMax = 0;

            /**
             * Hello dictionaries.
             * @member {Array.<Uint8Array>} dictionaries
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.dictionaries = $util.emptyArray;

            /**
             * Hello lostAfterMs.
             * @member {number} lostAfterMs
             * @memberof hawser.v1.Hello
             * @instance
             */
            Hello.prototype.lostAfterMs = 0;

            /**
             * Encodes the specified Hello message. Does not implicitly {@link hawser.v1.Hello.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Hello
             * @static
             * @param {hawser.v1.Hello.$Properties} message Hello message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Hello.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.versionMin != null && $Object.hasOwnProperty.call(message, "versionMin") && message.versionMin !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.versionMin);
                if (message.versionMax != null && $Object.hasOwnProperty.call(message, "versionMax") && message.versionMax !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.versionMax);
                if (message.token != null && $Object.hasOwnProperty.call(message, "token") && message.token !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.token);
                if (message.device != null && $Object.hasOwnProperty.call(message, "device") && message.device.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.device);
                if (message.install != null && $Object.hasOwnProperty.call(message, "install") && message.install.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.install);
                if (message.connection != null && $Object.hasOwnProperty.call(message, "connection") && (typeof message.connection === "object" ? message.connection.low || message.connection.high : message.connection !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.connection);
                if (message.sync != null && $Object.hasOwnProperty.call(message, "sync") && message.sync !== false)
                    writer.uint32(/* id 7, wireType 0 =*/56).bool(message.sync);
                if (message.watermark != null && $Object.hasOwnProperty.call(message, "watermark") && message.watermark.length)
                    writer.uint32(/* id 8, wireType 2 =*/66).bytes(message.watermark);
                if (message.codecs != null && message.codecs.length)
                    writer.uint32(/* id 9, wireType 2 =*/74).int32s(message.codecs);
                if (message.network != null && $Object.hasOwnProperty.call(message, "network") && message.network !== "")
                    writer.uint32(/* id 10, wireType 2 =*/82).string(message.network);
                if (message.frameBytesMax != null && $Object.hasOwnProperty.call(message, "frameBytesMax") && message.frameBytesMax !== 0)
                    writer.uint32(/* id 11, wireType 0 =*/88).uint32(message.frameBytesMax);
                if (message.dictionaries != null && message.dictionaries.length)
                    for (let i = 0; i < message.dictionaries.length; ++i)
                        writer.uint32(/* id 12, wireType 2 =*/98).bytes(message.dictionaries[i]);
                if (message.lostAfterMs != null && $Object.hasOwnProperty.call(message, "lostAfterMs") && message.lostAfterMs !== 0)
                    writer.uint32(/* id 13, wireType 0 =*/104).uint32(message.lostAfterMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Hello
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Hello & hawser.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Hello.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Hello();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.versionMin = value;
                            else
                                delete message.versionMin;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.versionMax = value;
                            else
                                delete message.versionMax;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.token = value;
                            else
                                delete message.token;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.device = value;
                            else
                                delete message.device;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.install = value;
                            else
                                delete message.install;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.connection = value;
                            else
                                delete message.connection;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.sync = value;
                            else
                                delete message.sync;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.watermark = value;
                            else
                                delete message.watermark;
                            continue;
                        }
                    case 9: {
                            if (wireType === 2) {
                                if (!(message.codecs && message.codecs.length))
                                    message.codecs = [];
                                reader.int32s(message.codecs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.codecs && message.codecs.length))
                                message.codecs = [];
                            message.codecs.push(reader.int32());
                            continue;
                        }
                    case 10: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.network = value;
                            else
                                delete message.network;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.frameBytesMax = value;
                            else
                                delete message.frameBytesMax;
                            continue;
                        }
                    case 12: {
                            if (wireType !== 2)
                                break;
                            if (!(message.dictionaries && message.dictionaries.length))
                                message.dictionaries = [];
                            message.dictionaries.push(reader.bytes());
                            continue;
                        }
                    case 13: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.lostAfterMs = value;
                            else
                                delete message.lostAfterMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Hello;
        })();

        v1.Welcome = (function() {

            /**
             * Properties of a Welcome.
             * @typedef {Object} hawser.v1.Welcome.$Properties
             * @property {number|null} [version] Welcome version
             * @property {Uint8Array|null} [session] Welcome session
             * @property {number|null} [heartbeatMs] Welcome heartbeatMs
             * @property {number|null} [frameBytesMax] Welcome frameBytesMax
             * @property {number|null} [payloadBytesMax] Welcome payloadBytesMax
             * @property {hawser.v1.Codec|null} [codec] Welcome codec
             * @property {number|null} [serverTime] Welcome serverTime
             * @property {Uint8Array|null} [user] Welcome user
             * @property {number|null} [sendsPerSecond] Welcome sendsPerSecond
             * @property {number|null} [requestsInFlightMax] Welcome requestsInFlightMax
             * @property {Uint8Array|null} [dictionary] Welcome dictionary
             * @property {Uint8Array|null} [dictionaryWanted] Welcome dictionaryWanted
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Welcome.
             * @memberof hawser.v1
             * @interface IWelcome
             * @augments hawser.v1.Welcome.$Properties
             * @deprecated Use hawser.v1.Welcome.$Properties instead.
             */

            /**
             * Shape of a Welcome.
             * @typedef {hawser.v1.Welcome.$Properties} hawser.v1.Welcome.$Shape
             */

            /**
             * Constructs a new Welcome.
             * @memberof hawser.v1
             * @classdesc Represents a Welcome.
             * @constructor
             * @param {hawser.v1.Welcome.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Welcome = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Welcome version.
             * @member {number} version
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.version = 0;

            /**
             * Welcome session.
             * @member {Uint8Array} session
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.session = $util.newBuffer([]);

            /**
             * Welcome heartbeatMs.
             * @member {number} heartbeatMs
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.heartbeatMs = 0;

            /**
             * Welcome frameBytesMax.
             * @member {number} frameBytesMax
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.frameBytesMax = 0;

            /**
             * Welcome payloadBytesMax.
             * @member {number} payloadBytesMax
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.payloadBytesMax = 0;

            /**
             * Welcome codec.
             * @member {hawser.v1.Codec} codec
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.codec = 0;

            /**
             * Welcome serverTime.
             * @member {number} serverTime
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.serverTime = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Welcome user.
             * @member {Uint8Array} user
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.user = $util.newBuffer([]);

            /**
             * Welcome sendsPerSecond.
             * @member {number} sendsPerSecond
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.sendsPerSecond = 0;

            /**
             * Welcome requestsInFlightMax.
             * @member {number} requestsInFlightMax
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.requestsInFlightMax = 0;

            /**
             * Welcome dictionary.
             * @member {Uint8Array} dictionary
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.dictionary = $util.newBuffer([]);

            /**
             * Welcome dictionaryWanted.
             * @member {Uint8Array} dictionaryWanted
             * @memberof hawser.v1.Welcome
             * @instance
             */
            Welcome.prototype.dictionaryWanted = $util.newBuffer([]);

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link hawser.v1.Welcome.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Welcome
             * @static
             * @param {hawser.v1.Welcome.$Properties} message Welcome message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Welcome.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.version);
                if (message.session != null && $Object.hasOwnProperty.call(message, "session") && message.session.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.session);
                if (message.heartbeatMs != null && $Object.hasOwnProperty.call(message, "heartbeatMs") && message.heartbeatMs !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.heartbeatMs);
                if (message.frameBytesMax != null && $Object.hasOwnProperty.call(message, "frameBytesMax") && message.frameBytesMax !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.frameBytesMax);
                if (message.payloadBytesMax != null && $Object.hasOwnProperty.call(message, "payloadBytesMax") && message.payloadBytesMax !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.payloadBytesMax);
                if (message.codec != null && $Object.hasOwnProperty.call(message, "codec") && message.codec !== 0)
                    writer.uint32(/* id 6, wireType 0 =*/48).int32(message.codec);
                if (message.serverTime != null && $Object.hasOwnProperty.call(message, "serverTime") && (typeof message.serverTime === "object" ? message.serverTime.low || message.serverTime.high : message.serverTime !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.serverTime);
                if (message.user != null && $Object.hasOwnProperty.call(message, "user") && message.user.length)
                    writer.uint32(/* id 8, wireType 2 =*/66).bytes(message.user);
                if (message.sendsPerSecond != null && $Object.hasOwnProperty.call(message, "sendsPerSecond") && message.sendsPerSecond !== 0)
                    writer.uint32(/* id 9, wireType 0 =*/72).uint32(message.sendsPerSecond);
                if (message.requestsInFlightMax != null && $Object.hasOwnProperty.call(message, "requestsInFlightMax") && message.requestsInFlightMax !== 0)
                    writer.uint32(/* id 10, wireType 0 =*/80).uint32(message.requestsInFlightMax);
                if (message.dictionary != null && $Object.hasOwnProperty.call(message, "dictionary") && message.dictionary.length)
                    writer.uint32(/* id 11, wireType 2 =*/90).bytes(message.dictionary);
                if (message.dictionaryWanted != null && $Object.hasOwnProperty.call(message, "dictionaryWanted") && message.dictionaryWanted.length)
                    writer.uint32(/* id 12, wireType 2 =*/98).bytes(message.dictionaryWanted);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Welcome
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Welcome & hawser.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Welcome.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Welcome();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.version = value;
                            else
                                delete message.version;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.session = value;
                            else
                                delete message.session;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.heartbeatMs = value;
                            else
                                delete message.heartbeatMs;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.frameBytesMax = value;
                            else
                                delete message.frameBytesMax;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.payloadBytesMax = value;
                            else
                                delete message.payloadBytesMax;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.codec = value;
                            else
                                delete message.codec;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.serverTime = value;
                            else
                                delete message.serverTime;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.user = value;
                            else
                                delete message.user;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.sendsPerSecond = value;
                            else
                                delete message.sendsPerSecond;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.requestsInFlightMax = value;
                            else
                                delete message.requestsInFlightMax;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.dictionary = value;
                            else
                                delete message.dictionary;
                            continue;
                        }
                    case 12: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.dictionaryWanted = value;
                            else
                                delete message.dictionaryWanted;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Welcome;
        })();

        /**
         * ErrorCode enum.
         * @name hawser.v1.ErrorCode
         * @enum {number}
         * @property {number} ERROR_UNSPECIFIED=0 ERROR_UNSPECIFIED value
         * @property {number} BAD_FRAME=1 BAD_FRAME value
         * @property {number} FRAME_TOO_LARGE=2 FRAME_TOO_LARGE value
         * @property {number} HELLO_EXPECTED=3 HELLO_EXPECTED value
         * @property {number} HANDSHAKE_TIMEOUT=4 HANDSHAKE_TIMEOUT value
         * @property {number} VERSION_UNSUPPORTED=5 VERSION_UNSUPPORTED value
         * @property {number} AUTH_FAILED=6 AUTH_FAILED value
         * @property {number} TOKEN_EXPIRED=7 TOKEN_EXPIRED value
         * @property {number} REPLACED=8 REPLACED value
         * @property {number} UNKNOWN_TYPE=9 UNKNOWN_TYPE value
         * @property {number} BAD_REQUEST=10 BAD_REQUEST value
         * @property {number} RATE_LIMITED=11 RATE_LIMITED value
         * @property {number} BUSY=12 BUSY value
         * @property {number} OUT_OF_ORDER=13 OUT_OF_ORDER value
         * @property {number} CLIENT_SEQ_REUSED=14 CLIENT_SEQ_REUSED value
         * @property {number} PAYLOAD_TOO_LARGE=15 PAYLOAD_TOO_LARGE value
         * @property {number} BAD_TEXT=16 BAD_TEXT value
         * @property {number} NOT_MEMBER=17 NOT_MEMBER value
         * @property {number} FORBIDDEN=18 FORBIDDEN value
         * @property {number} UNSUPPORTED=19 UNSUPPORTED value
         * @property {number} SLOW_CONSUMER=20 SLOW_CONSUMER value
         * @property {number} IDLE_TIMEOUT=21 IDLE_TIMEOUT value
         * @property {number} TOO_MANY_CONNECTIONS=22 TOO_MANY_CONNECTIONS value
         * @property {number} INTERNAL=23 INTERNAL value
         */
        v1.ErrorCode = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "ERROR_UNSPECIFIED"] = 0;
            values[valuesById[1] = "BAD_FRAME"] = 1;
            values[valuesById[2] = "FRAME_TOO_LARGE"] = 2;
            values[valuesById[3] = "HELLO_EXPECTED"] = 3;
            values[valuesById[4] = "HANDSHAKE_TIMEOUT"] = 4;
            values[valuesById[5] = "VERSION_UNSUPPORTED"] = 5;
            values[valuesById[6] = "AUTH_FAILED"] = 6;
            values[valuesById[7] = "TOKEN_EXPIRED"] = 7;
            values[valuesById[8] = "REPLACED"] = 8;
            values[valuesById[9] = "UNKNOWN_TYPE"] = 9;
            values[valuesById[10] = "BAD_REQUEST"] = 10;
            values[valuesById[11] = "RATE_LIMITED"] = 11;
            values[valuesById[12] = "BUSY"] = 12;
            values[valuesById[13] = "OUT_OF_ORDER"] = 13;
            values[valuesById[14] = "CLIENT_SEQ_REUSED"] = 14;
            values[valuesById[15] = "PAYLOAD_TOO_LARGE"] = 15;
            values[valuesById[16] = "BAD_TEXT"] = 16;
            values[valuesById[17] = "NOT_MEMBER"] = 17;
            values[valuesById[18] = "FORBIDDEN"] = 18;
            values[valuesById[19] = "UNSUPPORTED"] = 19;
            values[valuesById[20] = "SLOW_CONSUMER"] = 20;
            values[valuesById[21] = "IDLE_TIMEOUT"] = 21;
            values[valuesById[22] = "TOO_MANY_CONNECTIONS"] = 22;
            values[valuesById[23] = "INTERNAL"] = 23;
            return values;
        })();

        v1.Error = (function() {

            /**
             * Properties of an Error.
             * @typedef {Object} hawser.v1.Error.$Properties
             * @property {hawser.v1.ErrorCode|null} [code] Error code
             * @property {number|null} [ref] Error ref
             * @property {number|null} [retryAfterMs] Error retryAfterMs
             * @property {boolean|null} [closes] Error closes
             * @property {number|null} [expected] Error expected
             * @property {string|null} [detail] Error detail
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Error.
             * @memberof hawser.v1
             * @interface IError
             * @augments hawser.v1.Error.$Properties
             * @deprecated Use hawser.v1.Error.$Properties instead.
             */

            /**
             * Shape of an Error.
             * @typedef {hawser.v1.Error.$Properties} hawser.v1.Error.$Shape
             */

            /**
             * Constructs a new Error.
             * @memberof hawser.v1
             * @classdesc Represents an Error.
             * @constructor
             * @param {hawser.v1.Error.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Error = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Error code.
             * @member {hawser.v1.ErrorCode} code
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.code = 0;

            /**
             * Error ref.
             * @member {number} ref
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Error retryAfterMs.
             * @member {number} retryAfterMs
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.retryAfterMs = 0;

            /**
             * Error closes.
             * @member {boolean} closes
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.closes = false;

            /**
             * Error expected.
             * @member {number} expected
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.expected = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Error detail.
             * @member {string} detail
             * @memberof hawser.v1.Error
             * @instance
             */
            Error.prototype.detail = "";

            /**
             * Encodes the specified Error message. Does not implicitly {@link hawser.v1.Error.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Error
             * @static
             * @param {hawser.v1.Error.$Properties} message Error message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Error.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.code != null && $Object.hasOwnProperty.call(message, "code") && message.code !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.code);
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.ref);
                if (message.retryAfterMs != null && $Object.hasOwnProperty.call(message, "retryAfterMs") && message.retryAfterMs !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.retryAfterMs);
                if (message.closes != null && $Object.hasOwnProperty.call(message, "closes") && message.closes !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.closes);
                if (message.expected != null && $Object.hasOwnProperty.call(message, "expected") && (typeof message.expected === "object" ? message.expected.low || message.expected.high : message.expected !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.expected);
                if (message.detail != null && $Object.hasOwnProperty.call(message, "detail") && message.detail !== "")
                    writer.uint32(/* id 6, wireType 2 =*/50).string(message.detail);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Error message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Error
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Error & hawser.v1.Error.$Shape} Error
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Error.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Error();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.code = value;
                            else
                                delete message.code;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.retryAfterMs = value;
                            else
                                delete message.retryAfterMs;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.closes = value;
                            else
                                delete message.closes;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.expected = value;
                            else
                                delete message.expected;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.detail = value;
                            else
                                delete message.detail;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Error;
        })();

        /**
         * GoAwayReason enum.
         * @name hawser.v1.GoAwayReason
         * @enum {number}
         * @property {number} GO_AWAY_UNSPECIFIED=0 GO_AWAY_UNSPECIFIED value
         * @property {number} GO_AWAY_DRAIN=1 GO_AWAY_DRAIN value
         * @property {number} GO_AWAY_LIFETIME=2 GO_AWAY_LIFETIME value
         */
        v1.GoAwayReason = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "GO_AWAY_UNSPECIFIED"] = 0;
            values[valuesById[1] = "GO_AWAY_DRAIN"] = 1;
            values[valuesById[2] = "GO_AWAY_LIFETIME"] = 2;
            return values;
        })();

        v1.GoAway = (function() {

            /**
             * Properties of a GoAway.
             * @typedef {Object} hawser.v1.GoAway.$Properties
             * @property {hawser.v1.GoAwayReason|null} [reason] GoAway reason
             * @property {number|null} [reconnectAfterMs] GoAway reconnectAfterMs
             * @property {string|null} [target] GoAway target
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a GoAway.
             * @memberof hawser.v1
             * @interface IGoAway
             * @augments hawser.v1.GoAway.$Properties
             * @deprecated Use hawser.v1.GoAway.$Properties instead.
             */

            /**
             * Shape of a GoAway.
             * @typedef {hawser.v1.GoAway.$Properties} hawser.v1.GoAway.$Shape
             */

            /**
             * Constructs a new GoAway.
             * @memberof hawser.v1
             * @classdesc Represents a GoAway.
             * @constructor
             * @param {hawser.v1.GoAway.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const GoAway = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * GoAway reason.
             * @member {hawser.v1.GoAwayReason} reason
             * @memberof hawser.v1.GoAway
             * @instance
             */
            GoAway.prototype.reason = 0;

            /**
             * GoAway reconnectAfterMs.
             * @member {number} reconnectAfterMs
             * @memberof hawser.v1.GoAway
             * @instance
             */
            GoAway.prototype.reconnectAfterMs = 0;

            /**
             * GoAway target.
             * @member {string} target
             * @memberof hawser.v1.GoAway
             * @instance
             */
            GoAway.prototype.target = "";

            /**
             * Encodes the specified GoAway message. Does not implicitly {@link hawser.v1.GoAway.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.GoAway
             * @static
             * @param {hawser.v1.GoAway.$Properties} message GoAway message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            GoAway.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.reason);
                if (message.reconnectAfterMs != null && $Object.hasOwnProperty.call(message, "reconnectAfterMs") && message.reconnectAfterMs !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.reconnectAfterMs);
                if (message.target != null && $Object.hasOwnProperty.call(message, "target") && message.target !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.target);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a GoAway message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.GoAway
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.GoAway & hawser.v1.GoAway.$Shape} GoAway
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            GoAway.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.GoAway();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.reconnectAfterMs = value;
                            else
                                delete message.reconnectAfterMs;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.target = value;
                            else
                                delete message.target;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return GoAway;
        })();

        v1.Send = (function() {

            /**
             * Properties of a Send.
             * @typedef {Object} hawser.v1.Send.$Properties
             * @property {Uint8Array|null} [peer] Send peer
             * @property {Uint8Array|null} [group] Send group
             * @property {boolean|null} [self] Send self
             * @property {number|null} [clientSeq] Send clientSeq
             * @property {number|null} [kind] Send kind
             * @property {Uint8Array|null} [payload] Send payload
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Send.
             * @memberof hawser.v1
             * @interface ISend
             * @augments hawser.v1.Send.$Properties
             * @deprecated Use hawser.v1.Send.$Properties instead.
             */

            /**
             * Shape of a Send.
             * @typedef {hawser.v1.Send.$Properties} hawser.v1.Send.$Shape
             */

            /**
             * Constructs a new Send.
             * @memberof hawser.v1
             * @classdesc Represents a Send.
             * @constructor
             * @param {hawser.v1.Send.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Send = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Send peer.
             * @member {Uint8Array} peer
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.peer = $util.newBuffer([]);

            /**
             * Send group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.group = $util.newBuffer([]);

            /**
             * Send self.
             * @member {boolean} self
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.self = false;

            /**
             * Send clientSeq.
             * @member {number} clientSeq
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.clientSeq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Send kind.
             * @member {number} kind
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.kind = 0;

            /**
             * Send payload.
             * @member {Uint8Array} payload
             * @memberof hawser.v1.Send
             * @instance
             */
            Send.prototype.payload = $util.newBuffer([]);

            /**
             * Encodes the specified Send message. Does not implicitly {@link hawser.v1.Send.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Send
             * @static
             * @param {hawser.v1.Send.$Properties} message Send message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Send.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peer != null && $Object.hasOwnProperty.call(message, "peer") && message.peer.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peer);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.self);
                if (message.clientSeq != null && $Object.hasOwnProperty.call(message, "clientSeq") && (typeof message.clientSeq === "object" ? message.clientSeq.low || message.clientSeq.high : message.clientSeq !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.clientSeq);
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.kind);
                if (message.payload != null && $Object.hasOwnProperty.call(message, "payload") && message.payload.length)
                    writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.payload);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Send message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Send
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Send & hawser.v1.Send.$Shape} Send
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Send.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Send();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peer = value;
                            else
                                delete message.peer;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.clientSeq = value;
                            else
                                delete message.clientSeq;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.kind = value;
                            else
                                delete message.kind;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.payload = value;
                            else
                                delete message.payload;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Send;
        })();

        v1.Sent = (function() {

            /**
             * Properties of a Sent.
             * @typedef {Object} hawser.v1.Sent.$Properties
             * @property {number|null} [ref] Sent ref
             * @property {number|null} [seq] Sent seq
             * @property {number|null} [time] Sent time
             * @property {hawser.v1.Durability|null} [durability] Sent durability
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Sent.
             * @memberof hawser.v1
             * @interface ISent
             * @augments hawser.v1.Sent.$Properties
             * @deprecated Use hawser.v1.Sent.$Properties instead.
             */

            /**
             * Shape of a Sent.
             * @typedef {hawser.v1.Sent.$Properties} hawser.v1.Sent.$Shape
             */

            /**
             * Constructs a new Sent.
             * @memberof hawser.v1
             * @classdesc Represents a Sent.
             * @constructor
             * @param {hawser.v1.Sent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Sent = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Sent ref.
             * @member {number} ref
             * @memberof hawser.v1.Sent
             * @instance
             */
            Sent.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Sent seq.
             * @member {number} seq
             * @memberof hawser.v1.Sent
             * @instance
             */
            Sent.prototype.seq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Sent time.
             * @member {number} time
             * @memberof hawser.v1.Sent
             * @instance
             */
            Sent.prototype.time = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Sent durability.
             * @member {hawser.v1.Durability} durability
             * @memberof hawser.v1.Sent
             * @instance
             */
            Sent.prototype.durability = 0;

            /**
             * Encodes the specified Sent message. Does not implicitly {@link hawser.v1.Sent.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Sent
             * @static
             * @param {hawser.v1.Sent.$Properties} message Sent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Sent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.ref);
                if (message.seq != null && $Object.hasOwnProperty.call(message, "seq") && (typeof message.seq === "object" ? message.seq.low || message.seq.high : message.seq !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.seq);
                if (message.time != null && $Object.hasOwnProperty.call(message, "time") && (typeof message.time === "object" ? message.time.low || message.time.high : message.time !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.time);
                if (message.durability != null && $Object.hasOwnProperty.call(message, "durability") && message.durability !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).int32(message.durability);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Sent message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Sent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Sent & hawser.v1.Sent.$Shape} Sent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Sent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Sent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.seq = value;
                            else
                                delete message.seq;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.time = value;
                            else
                                delete message.time;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.durability = value;
                            else
                                delete message.durability;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Sent;
        })();

        v1.Push = (function() {

            /**
             * Properties of a Push.
             * @typedef {Object} hawser.v1.Push.$Properties
             * @property {Uint8Array|null} [from] Push from
             * @property {Uint8Array|null} [group] Push group
             * @property {Uint8Array|null} [to] Push to
             * @property {number|null} [seq] Push seq
             * @property {number|null} [time] Push time
             * @property {number|null} [kind] Push kind
             * @property {Uint8Array|null} [payload] Push payload
             * @property {Uint8Array|null} [install] Push install
             * @property {number|null} [clientSeq] Push clientSeq
             * @property {number|null} [uncounted] Push uncounted
             * @property {boolean|null} [self] Push self
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Push.
             * @memberof hawser.v1
             * @interface IPush
             * @augments hawser.v1.Push.$Properties
             * @deprecated Use hawser.v1.Push.$Properties instead.
             */

            /**
             * Shape of a Push.
             * @typedef {hawser.v1.Push.$Properties} hawser.v1.Push.$Shape
             */

            /**
             * Constructs a new Push.
             * @memberof hawser.v1
             * @classdesc Represents a Push.
             * @constructor
             * @param {hawser.v1.Push.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Push = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Push from.
             * @member {Uint8Array} from
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.from = $util.newBuffer([]);

            /**
             * Push group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.group = $util.newBuffer([]);

            /**
             * Push to.
             * @member {Uint8Array} to
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.to = $util.newBuffer([]);

            /**
             * Push seq.
             * @member {number} seq
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.seq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Push time.
             * @member {number} time
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.time = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Push kind.
             * @member {number} kind
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.kind = 0;

            /**
             * Push payload.
             * @member {Uint8Array} payload
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.payload = $util.newBuffer([]);

            /**
             * Push install.
             * @member {Uint8Array} install
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.install = $util.newBuffer([]);

            /**
             * Push clientSeq.
             * @member {number} clientSeq
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.clientSeq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Push uncounted.
             * @member {number} uncounted
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.uncounted = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Push self.
             * @member {boolean} self
             * @memberof hawser.v1.Push
             * @instance
             */
            Push.prototype.self = false;

            /**
             * Encodes the specified Push message. Does not implicitly {@link hawser.v1.Push.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Push
             * @static
             * @param {hawser.v1.Push.$Properties} message Push message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Push.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.from != null && $Object.hasOwnProperty.call(message, "from") && message.from.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.from);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.to != null && $Object.hasOwnProperty.call(message, "to") && message.to.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.to);
                if (message.seq != null && $Object.hasOwnProperty.call(message, "seq") && (typeof message.seq === "object" ? message.seq.low || message.seq.high : message.seq !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.seq);
                if (message.time != null && $Object.hasOwnProperty.call(message, "time") && (typeof message.time === "object" ? message.time.low || message.time.high : message.time !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.time);
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                    writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.kind);
                if (message.payload != null && $Object.hasOwnProperty.call(message, "payload") && message.payload.length)
                    writer.uint32(/* id 7, wireType 2 =*/58).bytes(message.payload);
                if (message.install != null && $Object.hasOwnProperty.call(message, "install") && message.install.length)
                    writer.uint32(/* id 8, wireType 2 =*/66).bytes(message.install);
                if (message.clientSeq != null && $Object.hasOwnProperty.call(message, "clientSeq") && (typeof message.clientSeq === "object" ? message.clientSeq.low || message.clientSeq.high : message.clientSeq !== 0))
                    writer.uint32(/* id 9, wireType 0 =*/72).uint64(message.clientSeq);
                if (message.uncounted != null && $Object.hasOwnProperty.call(message, "uncounted") && (typeof message.uncounted === "object" ? message.uncounted.low || message.uncounted.high : message.uncounted !== 0))
                    writer.uint32(/* id 10, wireType 0 =*/80).uint64(message.uncounted);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 11, wireType 0 =*/88).bool(message.self);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Push message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Push
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Push & hawser.v1.Push.$Shape} Push
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Push.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Push();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.from = value;
                            else
                                delete message.from;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.to = value;
                            else
                                delete message.to;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.seq = value;
                            else
                                delete message.seq;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.time = value;
                            else
                                delete message.time;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.kind = value;
                            else
                                delete message.kind;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.payload = value;
                            else
                                delete message.payload;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.install = value;
                            else
                                delete message.install;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.clientSeq = value;
                            else
                                delete message.clientSeq;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.uncounted = value;
                            else
                                delete message.uncounted;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Push;
        })();

        v1.Sync = (function() {

            /**
             * Properties of a Sync.
             * @typedef {Object} hawser.v1.Sync.$Properties
             * @property {Uint8Array|null} [watermark] Sync watermark
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Sync.
             * @memberof hawser.v1
             * @interface ISync
             * @augments hawser.v1.Sync.$Properties
             * @deprecated Use hawser.v1.Sync.$Properties instead.
             */

            /**
             * Shape of a Sync.
             * @typedef {hawser.v1.Sync.$Properties} hawser.v1.Sync.$Shape
             */

            /**
             * Constructs a new Sync.
             * @memberof hawser.v1
             * @classdesc Represents a Sync.
             * @constructor
             * @param {hawser.v1.Sync.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Sync = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Sync watermark.
             * @member {Uint8Array} watermark
             * @memberof hawser.v1.Sync
             * @instance
             */
            Sync.prototype.watermark = $util.newBuffer([]);

            /**
             * Encodes the specified Sync message. Does not implicitly {@link hawser.v1.Sync.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Sync
             * @static
             * @param {hawser.v1.Sync.$Properties} message Sync message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Sync.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.watermark != null && $Object.hasOwnProperty.call(message, "watermark") && message.watermark.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.watermark);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Sync message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Sync
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Sync & hawser.v1.Sync.$Shape} Sync
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Sync.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Sync();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.watermark = value;
                            else
                                delete message.watermark;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Sync;
        })();

        v1.Head = (function() {

            /**
             * Properties of a Head.
             * @typedef {Object} hawser.v1.Head.$Properties
             * @property {Uint8Array|null} [peer] Head peer
             * @property {Uint8Array|null} [group] Head group
             * @property {boolean|null} [self] Head self
             * @property {number|null} [seq] Head seq
             * @property {Uint8Array|null} [hash] Head hash
             * @property {number|null} [time] Head time
             * @property {number|null} [uncounted] Head uncounted
             * @property {number|null} [readSeq] Head readSeq
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Head.
             * @memberof hawser.v1
             * @interface IHead
             * @augments hawser.v1.Head.$Properties
             * @deprecated Use hawser.v1.Head.$Properties instead.
             */

            /**
             * Shape of a Head.
             * @typedef {hawser.v1.Head.$Properties} hawser.v1.Head.$Shape
             */

            /**
             * Constructs a new Head.
             * @memberof hawser.v1
             * @classdesc Represents a Head.
             * @constructor
             * @param {hawser.v1.Head.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Head = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Head peer.
             * @member {Uint8Array} peer
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.peer = $util.newBuffer([]);

            /**
             * Head group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.group = $util.newBuffer([]);

            /**
             * Head self.
             * @member {boolean} self
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.self = false;

            /**
             * Head seq.
             * @member {number} seq
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.seq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Head hash.
             * @member {Uint8Array} hash
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.hash = $util.newBuffer([]);

            /**
             * Head time.
             * @member {number} time
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.time = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Head uncounted.
             * @member {number} uncounted
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.uncounted = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Head readSeq.
             * @member {number} readSeq
             * @memberof hawser.v1.Head
             * @instance
             */
            Head.prototype.readSeq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Encodes the specified Head message. Does not implicitly {@link hawser.v1.Head.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Head
             * @static
             * @param {hawser.v1.Head.$Properties} message Head message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Head.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peer != null && $Object.hasOwnProperty.call(message, "peer") && message.peer.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peer);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.self);
                if (message.seq != null && $Object.hasOwnProperty.call(message, "seq") && (typeof message.seq === "object" ? message.seq.low || message.seq.high : message.seq !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.seq);
                if (message.hash != null && $Object.hasOwnProperty.call(message, "hash") && message.hash.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.hash);
                if (message.time != null && $Object.hasOwnProperty.call(message, "time") && (typeof message.time === "object" ? message.time.low || message.time.high : message.time !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.time);
                if (message.uncounted != null && $Object.hasOwnProperty.call(message, "uncounted") && (typeof message.uncounted === "object" ? message.uncounted.low || message.uncounted.high : message.uncounted !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.uncounted);
                if (message.readSeq != null && $Object.hasOwnProperty.call(message, "readSeq") && (typeof message.readSeq === "object" ? message.readSeq.low || message.readSeq.high : message.readSeq !== 0))
                    writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.readSeq);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Head message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Head
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Head & hawser.v1.Head.$Shape} Head
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Head.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Head();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peer = value;
                            else
                                delete message.peer;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.seq = value;
                            else
                                delete message.seq;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.hash = value;
                            else
                                delete message.hash;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.time = value;
                            else
                                delete message.time;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.uncounted = value;
                            else
                                delete message.uncounted;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.readSeq = value;
                            else
                                delete message.readSeq;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Head;
        })();

        v1.Heads = (function() {

            /**
             * Properties of a Heads.
             * @typedef {Object} hawser.v1.Heads.$Properties
             * @property {number|null} [ref] Heads ref
             * @property {Array.<hawser.v1.Head.$Properties>|null} [heads] Heads heads
             * @property {Uint8Array|null} [watermark] Heads watermark
             * @property {boolean|null} [more] Heads more
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Heads.
             * @memberof hawser.v1
             * @interface IHeads
             * @augments hawser.v1.Heads.$Properties
             * @deprecated Use hawser.v1.Heads.$Properties instead.
             */

            /**
             * Shape of a Heads.
             * @typedef {hawser.v1.Heads.$Properties} hawser.v1.Heads.$Shape
             */

            /**
             * Constructs a new Heads.
             * @memberof hawser.v1
             * @classdesc Represents a Heads.
             * @constructor
             * @param {hawser.v1.Heads.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Heads = function (properties) {
                this.heads = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Heads ref.
             * @member {number} ref
             * @memberof hawser.v1.Heads
             * @instance
             */
            Heads.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Heads heads.
             * @member {Array.<hawser.v1.Head.$Properties>} heads
             * @memberof hawser.v1.Heads
             * @instance
             */
            Heads.prototype.heads = $util.emptyArray;

            /**
             * Heads watermark.
             * @member {Uint8Array} watermark
             * @memberof hawser.v1.Heads
             * @instance
             */
            Heads.prototype.watermark = $util.newBuffer([]);

            /**
             * Heads more.
             * @member {boolean} more
             * @memberof hawser.v1.Heads
             * @instance
             */
            Heads.prototype.more = false;

            /**
             * Encodes the specified Heads message. Does not implicitly {@link hawser.v1.Heads.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Heads
             * @static
             * @param {hawser.v1.Heads.$Properties} message Heads message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Heads.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.ref);
                if (message.heads != null && message.heads.length)
                    for (let i = 0; i < message.heads.length; ++i)
                        $root.hawser.v1.Head.encode(message.heads[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.watermark != null && $Object.hasOwnProperty.call(message, "watermark") && message.watermark.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.watermark);
                if (message.more != null && $Object.hasOwnProperty.call(message, "more") && message.more !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.more);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Heads message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Heads
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Heads & hawser.v1.Heads.$Shape} Heads
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Heads.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Heads();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.heads && message.heads.length))
                                message.heads = [];
                            message.heads.push($root.hawser.v1.Head.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.watermark = value;
                            else
                                delete message.watermark;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.more = value;
                            else
                                delete message.more;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Heads;
        })();

        v1.Fetch = (function() {

            /**
             * Properties of a Fetch.
             * @typedef {Object} hawser.v1.Fetch.$Properties
             * @property {Uint8Array|null} [peer] Fetch peer
             * @property {Uint8Array|null} [group] Fetch group
             * @property {boolean|null} [self] Fetch self
             * @property {number|null} [fromSeq] Fetch fromSeq
             * @property {boolean|null} [backward] Fetch backward
             * @property {number|null} [limit] Fetch limit
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Fetch.
             * @memberof hawser.v1
             * @interface IFetch
             * @augments hawser.v1.Fetch.$Properties
             * @deprecated Use hawser.v1.Fetch.$Properties instead.
             */

            /**
             * Shape of a Fetch.
             * @typedef {hawser.v1.Fetch.$Properties} hawser.v1.Fetch.$Shape
             */

            /**
             * Constructs a new Fetch.
             * @memberof hawser.v1
             * @classdesc Represents a Fetch.
             * @constructor
             * @param {hawser.v1.Fetch.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Fetch = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Fetch peer.
             * @member {Uint8Array} peer
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.peer = $util.newBuffer([]);

            /**
             * Fetch group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.group = $util.newBuffer([]);

            /**
             * Fetch self.
             * @member {boolean} self
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.self = false;

            /**
             * Fetch fromSeq.
             * @member {number} fromSeq
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.fromSeq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Fetch backward.
             * @member {boolean} backward
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.backward = false;

            /**
             * Fetch limit.
             * @member {number} limit
             * @memberof hawser.v1.Fetch
             * @instance
             */
            Fetch.prototype.limit = 0;

            /**
             * Encodes the specified Fetch message. Does not implicitly {@link hawser.v1.Fetch.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Fetch
             * @static
             * @param {hawser.v1.Fetch.$Properties} message Fetch message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Fetch.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peer != null && $Object.hasOwnProperty.call(message, "peer") && message.peer.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peer);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.self);
                if (message.fromSeq != null && $Object.hasOwnProperty.call(message, "fromSeq") && (typeof message.fromSeq === "object" ? message.fromSeq.low || message.fromSeq.high : message.fromSeq !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.fromSeq);
                if (message.backward != null && $Object.hasOwnProperty.call(message, "backward") && message.backward !== false)
                    writer.uint32(/* id 5, wireType 0 =*/40).bool(message.backward);
                if (message.limit != null && $Object.hasOwnProperty.call(message, "limit") && message.limit !== 0)
                    writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.limit);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Fetch message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Fetch
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Fetch & hawser.v1.Fetch.$Shape} Fetch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Fetch.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Fetch();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peer = value;
                            else
                                delete message.peer;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.fromSeq = value;
                            else
                                delete message.fromSeq;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.backward = value;
                            else
                                delete message.backward;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.limit = value;
                            else
                                delete message.limit;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Fetch;
        })();

        v1.Page = (function() {

            /**
             * Properties of a Page.
             * @typedef {Object} hawser.v1.Page.$Properties
             * @property {Uint8Array|null} [peer] Page peer
             * @property {Uint8Array|null} [group] Page group
             * @property {boolean|null} [self] Page self
             * @property {number|null} [ref] Page ref
             * @property {Array.<hawser.v1.Push.$Properties>|null} [rows] Page rows
             * @property {Uint8Array|null} [hashBefore] Page hashBefore
             * @property {number|null} [headSeq] Page headSeq
             * @property {boolean|null} [more] Page more
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Page.
             * @memberof hawser.v1
             * @interface IPage
             * @augments hawser.v1.Page.$Properties
             * @deprecated Use hawser.v1.Page.$Properties instead.
             */

            /**
             * Shape of a Page.
             * @typedef {hawser.v1.Page.$Properties} hawser.v1.Page.$Shape
             */

            /**
             * Constructs a new Page.
             * @memberof hawser.v1
             * @classdesc Represents a Page.
             * @constructor
             * @param {hawser.v1.Page.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Page = function (properties) {
                this.rows = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Page peer.
             * @member {Uint8Array} peer
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.peer = $util.newBuffer([]);

            /**
             * Page group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.group = $util.newBuffer([]);

            /**
             * Page self.
             * @member {boolean} self
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.self = false;

            /**
             * Page ref.
             * @member {number} ref
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Page rows.
             * @member {Array.<hawser.v1.Push.$Properties>} rows
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.rows = $util.emptyArray;

            /**
             * Page hashBefore.
             * @member {Uint8Array} hashBefore
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.hashBefore = $util.newBuffer([]);

            /**
             * Page headSeq.
             * @member {number} headSeq
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.headSeq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Page more.
             * @member {boolean} more
             * @memberof hawser.v1.Page
             * @instance
             */
            Page.prototype.more = false;

            /**
             * Encodes the specified Page message. Does not implicitly {@link hawser.v1.Page.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Page
             * @static
             * @param {hawser.v1.Page.$Properties} message Page message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Page.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peer != null && $Object.hasOwnProperty.call(message, "peer") && message.peer.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peer);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.self);
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.ref);
                if (message.rows != null && message.rows.length)
                    for (let i = 0; i < message.rows.length; ++i)
                        $root.hawser.v1.Push.encode(message.rows[i], writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.hashBefore != null && $Object.hasOwnProperty.call(message, "hashBefore") && message.hashBefore.length)
                    writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.hashBefore);
                if (message.headSeq != null && $Object.hasOwnProperty.call(message, "headSeq") && (typeof message.headSeq === "object" ? message.headSeq.low || message.headSeq.high : message.headSeq !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.headSeq);
                if (message.more != null && $Object.hasOwnProperty.call(message, "more") && message.more !== false)
                    writer.uint32(/* id 8, wireType 0 =*/64).bool(message.more);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Page message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Page
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Page & hawser.v1.Page.$Shape} Page
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Page.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Page();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peer = value;
                            else
                                delete message.peer;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if (!(message.rows && message.rows.length))
                                message.rows = [];
                            message.rows.push($root.hawser.v1.Push.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.hashBefore = value;
                            else
                                delete message.hashBefore;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.headSeq = value;
                            else
                                delete message.headSeq;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.more = value;
                            else
                                delete message.more;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Page;
        })();

        v1.Check = (function() {

            /**
             * Properties of a Check.
             * @typedef {Object} hawser.v1.Check.$Properties
             * @property {Uint8Array|null} [digest] Check digest
             * @property {number|null} [count] Check count
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Check.
             * @memberof hawser.v1
             * @interface ICheck
             * @augments hawser.v1.Check.$Properties
             * @deprecated Use hawser.v1.Check.$Properties instead.
             */

            /**
             * Shape of a Check.
             * @typedef {hawser.v1.Check.$Properties} hawser.v1.Check.$Shape
             */

            /**
             * Constructs a new Check.
             * @memberof hawser.v1
             * @classdesc Represents a Check.
             * @constructor
             * @param {hawser.v1.Check.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Check = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Check digest.
             * @member {Uint8Array} digest
             * @memberof hawser.v1.Check
             * @instance
             */
            Check.prototype.digest = $util.newBuffer([]);

            /**
             * Check count.
             * @member {number} count
             * @memberof hawser.v1.Check
             * @instance
             */
            Check.prototype.count = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Encodes the specified Check message. Does not implicitly {@link hawser.v1.Check.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Check
             * @static
             * @param {hawser.v1.Check.$Properties} message Check message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Check.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.digest);
                if (message.count != null && $Object.hasOwnProperty.call(message, "count") && (typeof message.count === "object" ? message.count.low || message.count.high : message.count !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.count);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Check message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Check
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Check & hawser.v1.Check.$Shape} Check
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Check.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Check();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.digest = value;
                            else
                                delete message.digest;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.count = value;
                            else
                                delete message.count;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Check;
        })();

        v1.Checked = (function() {

            /**
             * Properties of a Checked.
             * @typedef {Object} hawser.v1.Checked.$Properties
             * @property {number|null} [ref] Checked ref
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Checked.
             * @memberof hawser.v1
             * @interface IChecked
             * @augments hawser.v1.Checked.$Properties
             * @deprecated Use hawser.v1.Checked.$Properties instead.
             */

            /**
             * Shape of a Checked.
             * @typedef {hawser.v1.Checked.$Properties} hawser.v1.Checked.$Shape
             */

            /**
             * Constructs a new Checked.
             * @memberof hawser.v1
             * @classdesc Represents a Checked.
             * @constructor
             * @param {hawser.v1.Checked.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Checked = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Checked ref.
             * @member {number} ref
             * @memberof hawser.v1.Checked
             * @instance
             */
            Checked.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Encodes the specified Checked message. Does not implicitly {@link hawser.v1.Checked.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Checked
             * @static
             * @param {hawser.v1.Checked.$Properties} message Checked message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Checked.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.ref);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Checked message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Checked
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Checked & hawser.v1.Checked.$Shape} Checked
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Checked.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Checked();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Checked;
        })();

        v1.Read = (function() {

            /**
             * Properties of a Read.
             * @typedef {Object} hawser.v1.Read.$Properties
             * @property {Uint8Array|null} [peer] Read peer
             * @property {Uint8Array|null} [group] Read group
             * @property {boolean|null} [self] Read self
             * @property {number|null} [seq] Read seq
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Read.
             * @memberof hawser.v1
             * @interface IRead
             * @augments hawser.v1.Read.$Properties
             * @deprecated Use hawser.v1.Read.$Properties instead.
             */

            /**
             * Shape of a Read.
             * @typedef {hawser.v1.Read.$Properties} hawser.v1.Read.$Shape
             */

            /**
             * Constructs a new Read.
             * @memberof hawser.v1
             * @classdesc Represents a Read.
             * @constructor
             * @param {hawser.v1.Read.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Read = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Read peer.
             * @member {Uint8Array} peer
             * @memberof hawser.v1.Read
             * @instance
             */
            Read.prototype.peer = $util.newBuffer([]);

            /**
             * Read group.
             * @member {Uint8Array} group
             * @memberof hawser.v1.Read
             * @instance
             */
            Read.prototype.group = $util.newBuffer([]);

            /**
             * Read self.
             * @member {boolean} self
             * @memberof hawser.v1.Read
             * @instance
             */
            Read.prototype.self = false;

            /**
             * Read seq.
             * @member {number} seq
             * @memberof hawser.v1.Read
             * @instance
             */
            Read.prototype.seq = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Encodes the specified Read message. Does not implicitly {@link hawser.v1.Read.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Read
             * @static
             * @param {hawser.v1.Read.$Properties} message Read message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Read.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peer != null && $Object.hasOwnProperty.call(message, "peer") && message.peer.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peer);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.group);
                if (message.self != null && $Object.hasOwnProperty.call(message, "self") && message.self !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.self);
                if (message.seq != null && $Object.hasOwnProperty.call(message, "seq") && (typeof message.seq === "object" ? message.seq.low || message.seq.high : message.seq !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.seq);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Read message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Read
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Read & hawser.v1.Read.$Shape} Read
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Read.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Read();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peer = value;
                            else
                                delete message.peer;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.self = value;
                            else
                                delete message.self;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.seq = value;
                            else
                                delete message.seq;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Read;
        })();

        v1.Resync = (function() {

            /**
             * Properties of a Resync.
             * @typedef {Object} hawser.v1.Resync.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Resync.
             * @memberof hawser.v1
             * @interface IResync
             * @augments hawser.v1.Resync.$Properties
             * @deprecated Use hawser.v1.Resync.$Properties instead.
             */

            /**
             * Shape of a Resync.
             * @typedef {hawser.v1.Resync.$Properties} hawser.v1.Resync.$Shape
             */

            /**
             * Constructs a new Resync.
             * @memberof hawser.v1
             * @classdesc Represents a Resync.
             * @constructor
             * @param {hawser.v1.Resync.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Resync = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Encodes the specified Resync message. Does not implicitly {@link hawser.v1.Resync.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Resync
             * @static
             * @param {hawser.v1.Resync.$Properties} message Resync message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Resync.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Resync message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Resync
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Resync & hawser.v1.Resync.$Shape} Resync
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Resync.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Resync();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag >>> 3);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Resync;
        })();

        v1.Heartbeat = (function() {

            /**
             * Properties of a Heartbeat.
             * @typedef {Object} hawser.v1.Heartbeat.$Properties
             * @property {number|null} [heartbeatMs] Heartbeat heartbeatMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Heartbeat.
             * @memberof hawser.v1
             * @interface IHeartbeat
             * @augments hawser.v1.Heartbeat.$Properties
             * @deprecated Use hawser.v1.Heartbeat.$Properties instead.
             */

            /**
             * Shape of a Heartbeat.
             * @typedef {hawser.v1.Heartbeat.$Properties} hawser.v1.Heartbeat.$Shape
             */

            /**
             * Constructs a new Heartbeat.
             * @memberof hawser.v1
             * @classdesc Represents a Heartbeat.
             * @constructor
             * @param {hawser.v1.Heartbeat.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Heartbeat = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Heartbeat heartbeatMs.
             * @member {number} heartbeatMs
             * @memberof hawser.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.heartbeatMs = 0;

            /**
             * Encodes the specified Heartbeat message. Does not implicitly {@link hawser.v1.Heartbeat.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Heartbeat
             * @static
             * @param {hawser.v1.Heartbeat.$Properties} message Heartbeat message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Heartbeat.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.heartbeatMs != null && $Object.hasOwnProperty.call(message, "heartbeatMs") && message.heartbeatMs !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.heartbeatMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Heartbeat message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Heartbeat
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Heartbeat & hawser.v1.Heartbeat.$Shape} Heartbeat
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Heartbeat.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Heartbeat();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.heartbeatMs = value;
                            else
                                delete message.heartbeatMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Heartbeat;
        })();

        v1.Dictionary = (function() {

            /**
             * Properties of a Dictionary.
             * @typedef {Object} hawser.v1.Dictionary.$Properties
             * @property {Uint8Array|null} [id] Dictionary id
             * @property {number|null} [ref] Dictionary ref
             * @property {Uint8Array|null} [bytes] Dictionary bytes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Dictionary.
             * @memberof hawser.v1
             * @interface IDictionary
             * @augments hawser.v1.Dictionary.$Properties
             * @deprecated Use hawser.v1.Dictionary.$Properties instead.
             */

            /**
             * Shape of a Dictionary.
             * @typedef {hawser.v1.Dictionary.$Properties} hawser.v1.Dictionary.$Shape
             */

            /**
             * Constructs a new Dictionary.
             * @memberof hawser.v1
             * @classdesc Represents a Dictionary.
             * @constructor
             * @param {hawser.v1.Dictionary.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Dictionary = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Dictionary id.
             * @member {Uint8Array} id
             * @memberof hawser.v1.Dictionary
             * @instance
             */
            Dictionary.prototype.id = $util.newBuffer([]);

            /**
             * Dictionary ref.
             * @member {number} ref
             * @memberof hawser.v1.Dictionary
             * @instance
             */
            Dictionary.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Dictionary bytes.
             * @member {Uint8Array} bytes
             * @memberof hawser.v1.Dictionary
             * @instance
             */
            Dictionary.prototype.bytes = $util.newBuffer([]);

            /**
             * Encodes the specified Dictionary message. Does not implicitly {@link hawser.v1.Dictionary.verify|verify} messages.
             * @function encode
             * @memberof hawser.v1.Dictionary
             * @static
             * @param {hawser.v1.Dictionary.$Properties} message Dictionary message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Dictionary.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.id);
                if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.ref);
                if (message.bytes != null && $Object.hasOwnProperty.call(message, "bytes") && message.bytes.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.bytes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Dictionary message from the specified reader or buffer.
             * @function decode
             * @memberof hawser.v1.Dictionary
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {hawser.v1.Dictionary & hawser.v1.Dictionary.$Shape} Dictionary
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Dictionary.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.hawser.v1.Dictionary();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.id = value;
                            else
                                delete message.id;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ref = value;
                            else
                                delete message.ref;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.bytes = value;
                            else
                                delete message.bytes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Dictionary;
        })();

        return v1;
    })();

    return hawser;
})();

export {
  $root as default
};
