// GENERATED from fabric.proto by `npm run proto:generate`, never edited. sha256 c8fb5d844eb9ab70932148fbc27982bdad45e7bba3840272b78531dee8ebf95b
/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "../runtime.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["fabric"] || ($protobuf.roots["fabric"] = {});

export const hawser = $root.hawser = (() => {

    /**
     * Namespace hawser.
     * @exports hawser
     * @namespace
     */
    const hawser = {};

    hawser.fabric = (function() {

        /**
         * Namespace fabric.
         * @memberof hawser
         * @namespace
         */
        const fabric = {};

        fabric.v1 = (function() {

            /**
             * Namespace v1.
             * @memberof hawser.fabric
             * @namespace
             */
            const v1 = {};

            v1.LinkHead = (function() {

                /**
                 * Properties of a LinkHead.
                 * @typedef {Object} hawser.fabric.v1.LinkHead.$Properties
                 * @property {Uint8Array|null} [from] LinkHead from
                 * @property {Uint8Array|null} [to] LinkHead to
                 * @property {number|null} [link] LinkHead link
                 * @property {number|null} [number] LinkHead number
                 * @property {number|null} [last] LinkHead last
                 * @property {number|null} [ack] LinkHead ack
                 * @property {boolean|null} [reset] LinkHead reset
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a LinkHead.
                 * @memberof hawser.fabric.v1
                 * @interface ILinkHead
                 * @augments hawser.fabric.v1.LinkHead.$Properties
                 * @deprecated Use hawser.fabric.v1.LinkHead.$Properties instead.
                 */

                /**
                 * Shape of a LinkHead.
                 * @typedef {hawser.fabric.v1.LinkHead.$Properties} hawser.fabric.v1.LinkHead.$Shape
                 */

                /**
                 * Constructs a new LinkHead.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents a LinkHead.
                 * @constructor
                 * @param {hawser.fabric.v1.LinkHead.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const LinkHead = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * LinkHead from.
                 * @member {Uint8Array} from
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.from = $util.newBuffer([]);

                /**
                 * LinkHead to.
                 * @member {Uint8Array} to
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.to = $util.newBuffer([]);

                /**
                 * LinkHead link.
                 * @member {number} link
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.link = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * LinkHead number.
                 * @member {number} number
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.number = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * LinkHead last.
                 * @member {number} last
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.last = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * LinkHead ack.
                 * @member {number} ack
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.ack = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * LinkHead reset.
                 * @member {boolean} reset
                 * @memberof hawser.fabric.v1.LinkHead
                 * @instance
                 */
                LinkHead.prototype.reset = false;

                /**
                 * Encodes the specified LinkHead message. Does not implicitly {@link hawser.fabric.v1.LinkHead.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.LinkHead
                 * @static
                 * @param {hawser.fabric.v1.LinkHead.$Properties} message LinkHead message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                LinkHead.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.from != null && $Object.hasOwnProperty.call(message, "from") && message.from.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.from);
                    if (message.to != null && $Object.hasOwnProperty.call(message, "to") && message.to.length)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.to);
                    if (message.link != null && $Object.hasOwnProperty.call(message, "link") && (typeof message.link === "object" ? message.link.low || message.link.high : message.link !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.link);
                    if (message.number != null && $Object.hasOwnProperty.call(message, "number") && (typeof message.number === "object" ? message.number.low || message.number.high : message.number !== 0))
                        writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.number);
                    if (message.last != null && $Object.hasOwnProperty.call(message, "last") && (typeof message.last === "object" ? message.last.low || message.last.high : message.last !== 0))
                        writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.last);
                    if (message.ack != null && $Object.hasOwnProperty.call(message, "ack") && (typeof message.ack === "object" ? message.ack.low || message.ack.high : message.ack !== 0))
                        writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.ack);
                    if (message.reset != null && $Object.hasOwnProperty.call(message, "reset") && message.reset !== false)
                        writer.uint32(/* id 7, wireType 0 =*/56).bool(message.reset);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a LinkHead message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.LinkHead
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.LinkHead & hawser.fabric.v1.LinkHead.$Shape} LinkHead
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                LinkHead.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.LinkHead();
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
                                    message.to = value;
                                else
                                    delete message.to;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.link = value;
                                else
                                    delete message.link;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.number = value;
                                else
                                    delete message.number;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.last = value;
                                else
                                    delete message.last;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.ack = value;
                                else
                                    delete message.ack;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.reset = value;
                                else
                                    delete message.reset;
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

                return LinkHead;
            })();

            /**
             * Operation enum.
             * @name hawser.fabric.v1.Operation
             * @enum {number}
             * @property {number} OPERATION_NONE=0 OPERATION_NONE value
             * @property {number} OPERATION_ATTACH=64 OPERATION_ATTACH value
             * @property {number} OPERATION_DETACH=65 OPERATION_DETACH value
             */
            v1.Operation = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "OPERATION_NONE"] = 0;
                values[valuesById[64] = "OPERATION_ATTACH"] = 64;
                values[valuesById[65] = "OPERATION_DETACH"] = 65;
                return values;
            })();

            v1.Command = (function() {

                /**
                 * Properties of a Command.
                 * @typedef {Object} hawser.fabric.v1.Command.$Properties
                 * @property {number|null} [slot] Command slot
                 * @property {number|null} [generation] Command generation
                 * @property {number|null} [type] Command type
                 * @property {number|null} [ref] Command ref
                 * @property {Uint8Array|null} [body] Command body
                 * @property {Uint8Array|null} [user] Command user
                 * @property {Uint8Array|null} [install] Command install
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Command.
                 * @memberof hawser.fabric.v1
                 * @interface ICommand
                 * @augments hawser.fabric.v1.Command.$Properties
                 * @deprecated Use hawser.fabric.v1.Command.$Properties instead.
                 */

                /**
                 * Shape of a Command.
                 * @typedef {hawser.fabric.v1.Command.$Properties} hawser.fabric.v1.Command.$Shape
                 */

                /**
                 * Constructs a new Command.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents a Command.
                 * @constructor
                 * @param {hawser.fabric.v1.Command.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Command = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Command slot.
                 * @member {number} slot
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.slot = 0;

                /**
                 * Command generation.
                 * @member {number} generation
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.generation = 0;

                /**
                 * Command type.
                 * @member {number} type
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.type = 0;

                /**
                 * Command ref.
                 * @member {number} ref
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.ref = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Command body.
                 * @member {Uint8Array} body
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.body = $util.newBuffer([]);

                /**
                 * Command user.
                 * @member {Uint8Array} user
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.user = $util.newBuffer([]);

                /**
                 * Command install.
                 * @member {Uint8Array} install
                 * @memberof hawser.fabric.v1.Command
                 * @instance
                 */
                Command.prototype.install = $util.newBuffer([]);

                /**
                 * Encodes the specified Command message. Does not implicitly {@link hawser.fabric.v1.Command.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Command
                 * @static
                 * @param {hawser.fabric.v1.Command.$Properties} message Command message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Command.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.slot != null && $Object.hasOwnProperty.call(message, "slot") && message.slot !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.slot);
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && message.generation !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.generation);
                    if (message.type != null && $Object.hasOwnProperty.call(message, "type") && message.type !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.type);
                    if (message.ref != null && $Object.hasOwnProperty.call(message, "ref") && (typeof message.ref === "object" ? message.ref.low || message.ref.high : message.ref !== 0))
                        writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.ref);
                    if (message.body != null && $Object.hasOwnProperty.call(message, "body") && message.body.length)
                        writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.body);
                    if (message.user != null && $Object.hasOwnProperty.call(message, "user") && message.user.length)
                        writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.user);
                    if (message.install != null && $Object.hasOwnProperty.call(message, "install") && message.install.length)
                        writer.uint32(/* id 7, wireType 2 =*/58).bytes(message.install);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Command message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Command
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Command & hawser.fabric.v1.Command.$Shape} Command
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Command.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Command();
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
                                    message.slot = value;
                                else
                                    delete message.slot;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.type = value;
                                else
                                    delete message.type;
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
                                if ((value = reader.bytes()).length)
                                    message.body = value;
                                else
                                    delete message.body;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.user = value;
                                else
                                    delete message.user;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.install = value;
                                else
                                    delete message.install;
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

                return Command;
            })();

            v1.Attach = (function() {

                /**
                 * Properties of an Attach.
                 * @typedef {Object} hawser.fabric.v1.Attach.$Properties
                 * @property {Uint8Array|null} [device] Attach device
                 * @property {number|null} [connection] Attach connection
                 * @property {boolean|null} [sync] Attach sync
                 * @property {Uint8Array|null} [watermark] Attach watermark
                 * @property {boolean|null} [report] Attach report
                 * @property {number|null} [frameBytesMax] Attach frameBytesMax
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an Attach.
                 * @memberof hawser.fabric.v1
                 * @interface IAttach
                 * @augments hawser.fabric.v1.Attach.$Properties
                 * @deprecated Use hawser.fabric.v1.Attach.$Properties instead.
                 */

                /**
                 * Shape of an Attach.
                 * @typedef {hawser.fabric.v1.Attach.$Properties} hawser.fabric.v1.Attach.$Shape
                 */

                /**
                 * Constructs a new Attach.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents an Attach.
                 * @constructor
                 * @param {hawser.fabric.v1.Attach.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Attach = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Attach device.
                 * @member {Uint8Array} device
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.device = $util.newBuffer([]);

                /**
                 * Attach connection.
                 * @member {number} connection
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.connection = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Attach sync.
                 * @member {boolean} sync
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.sync = false;

                /**
                 * Attach watermark.
                 * @member {Uint8Array} watermark
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.watermark = $util.newBuffer([]);

                /**
                 * Attach report.
                 * @member {boolean} report
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.report = false;

                /**
                 * Attach frameBytesMax.
                 * @member {number} frameBytesMax
                 * @memberof hawser.fabric.v1.Attach
                 * @instance
                 */
                Attach.prototype.frameBytesMax = 0;

                /**
                 * Encodes the specified Attach message. Does not implicitly {@link hawser.fabric.v1.Attach.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Attach
                 * @static
                 * @param {hawser.fabric.v1.Attach.$Properties} message Attach message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Attach.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.device != null && $Object.hasOwnProperty.call(message, "device") && message.device.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.device);
                    if (message.connection != null && $Object.hasOwnProperty.call(message, "connection") && (typeof message.connection === "object" ? message.connection.low || message.connection.high : message.connection !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.connection);
                    if (message.sync != null && $Object.hasOwnProperty.call(message, "sync") && message.sync !== false)
                        writer.uint32(/* id 3, wireType 0 =*/24).bool(message.sync);
                    if (message.watermark != null && $Object.hasOwnProperty.call(message, "watermark") && message.watermark.length)
                        writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.watermark);
                    if (message.report != null && $Object.hasOwnProperty.call(message, "report") && message.report !== false)
                        writer.uint32(/* id 5, wireType 0 =*/40).bool(message.report);
                    if (message.frameBytesMax != null && $Object.hasOwnProperty.call(message, "frameBytesMax") && message.frameBytesMax !== 0)
                        writer.uint32(/* id 6, wireType 0 =*/48).uint32(message.frameBytesMax);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an Attach message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Attach
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Attach & hawser.fabric.v1.Attach.$Shape} Attach
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Attach.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Attach();
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
                                    message.device = value;
                                else
                                    delete message.device;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.connection = value;
                                else
                                    delete message.connection;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.sync = value;
                                else
                                    delete message.sync;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.watermark = value;
                                else
                                    delete message.watermark;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.report = value;
                                else
                                    delete message.report;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.frameBytesMax = value;
                                else
                                    delete message.frameBytesMax;
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

                return Attach;
            })();

            v1.Up = (function() {

                /**
                 * Properties of an Up.
                 * @typedef {Object} hawser.fabric.v1.Up.$Properties
                 * @property {hawser.fabric.v1.LinkHead.$Properties|null} [head] Up head
                 * @property {Array.<hawser.fabric.v1.Command.$Properties>|null} [commands] Up commands
                 * @property {number|null} [sessions] Up sessions
                 * @property {number|null} [digest] Up digest
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an Up.
                 * @memberof hawser.fabric.v1
                 * @interface IUp
                 * @augments hawser.fabric.v1.Up.$Properties
                 * @deprecated Use hawser.fabric.v1.Up.$Properties instead.
                 */

                /**
                 * Shape of an Up.
                 * @typedef {hawser.fabric.v1.Up.$Properties} hawser.fabric.v1.Up.$Shape
                 */

                /**
                 * Constructs a new Up.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents an Up.
                 * @constructor
                 * @param {hawser.fabric.v1.Up.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Up = function (properties) {
                    this.commands = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Up head.
                 * @member {hawser.fabric.v1.LinkHead.$Properties|null|undefined} head
                 * @memberof hawser.fabric.v1.Up
                 * @instance
                 */
                Up.prototype.head = null;

                /**
                 * Up commands.
                 * @member {Array.<hawser.fabric.v1.Command.$Properties>} commands
                 * @memberof hawser.fabric.v1.Up
                 * @instance
                 */
                Up.prototype.commands = $util.emptyArray;

                /**
                 * Up sessions.
                 * @member {number} sessions
                 * @memberof hawser.fabric.v1.Up
                 * @instance
                 */
                Up.prototype.sessions = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Up digest.
                 * @member {number} digest
                 * @memberof hawser.fabric.v1.Up
                 * @instance
                 */
                Up.prototype.digest = 0;

                /**
                 * Encodes the specified Up message. Does not implicitly {@link hawser.fabric.v1.Up.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Up
                 * @static
                 * @param {hawser.fabric.v1.Up.$Properties} message Up message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Up.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.head != null && $Object.hasOwnProperty.call(message, "head"))
                        $root.hawser.fabric.v1.LinkHead.encode(message.head, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                    if (message.commands != null && message.commands.length)
                        for (let i = 0; i < message.commands.length; ++i)
                            $root.hawser.fabric.v1.Command.encode(message.commands[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.sessions != null && $Object.hasOwnProperty.call(message, "sessions") && (typeof message.sessions === "object" ? message.sessions.low || message.sessions.high : message.sessions !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.sessions);
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest !== 0)
                        writer.uint32(/* id 4, wireType 5 =*/37).fixed32(message.digest);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an Up message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Up
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Up & hawser.fabric.v1.Up.$Shape} Up
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Up.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Up();
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
                                message.head = $root.hawser.fabric.v1.LinkHead.decode(reader, reader.size(), $undefined, _depth + 1, message.head);
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.commands && message.commands.length))
                                    message.commands = [];
                                message.commands.push($root.hawser.fabric.v1.Command.decode(reader, reader.size(), $undefined, _depth + 1));
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.sessions = value;
                                else
                                    delete message.sessions;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.digest = value;
                                else
                                    delete message.digest;
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

                return Up;
            })();

            /**
             * DeliveryClass enum.
             * @name hawser.fabric.v1.DeliveryClass
             * @enum {number}
             * @property {number} DELIVERY_CONTROL=0 DELIVERY_CONTROL value
             * @property {number} DELIVERY_PUSH=1 DELIVERY_PUSH value
             * @property {number} DELIVERY_SYNC=2 DELIVERY_SYNC value
             * @property {number} DELIVERY_CLOSE=3 DELIVERY_CLOSE value
             * @property {number} DELIVERY_RECEIPT=4 DELIVERY_RECEIPT value
             * @property {number} DELIVERY_EPHEMERAL=5 DELIVERY_EPHEMERAL value
             */
            v1.DeliveryClass = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "DELIVERY_CONTROL"] = 0;
                values[valuesById[1] = "DELIVERY_PUSH"] = 1;
                values[valuesById[2] = "DELIVERY_SYNC"] = 2;
                values[valuesById[3] = "DELIVERY_CLOSE"] = 3;
                values[valuesById[4] = "DELIVERY_RECEIPT"] = 4;
                values[valuesById[5] = "DELIVERY_EPHEMERAL"] = 5;
                return values;
            })();

            v1.Delivery = (function() {

                /**
                 * Properties of a Delivery.
                 * @typedef {Object} hawser.fabric.v1.Delivery.$Properties
                 * @property {Uint8Array|null} [frame] Delivery frame
                 * @property {Array.<number>|null} [slots] Delivery slots
                 * @property {Array.<number>|null} [generations] Delivery generations
                 * @property {hawser.fabric.v1.DeliveryClass|null} ["class"] Delivery class
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Delivery.
                 * @memberof hawser.fabric.v1
                 * @interface IDelivery
                 * @augments hawser.fabric.v1.Delivery.$Properties
                 * @deprecated Use hawser.fabric.v1.Delivery.$Properties instead.
                 */

                /**
                 * Shape of a Delivery.
                 * @typedef {hawser.fabric.v1.Delivery.$Properties} hawser.fabric.v1.Delivery.$Shape
                 */

                /**
                 * Constructs a new Delivery.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents a Delivery.
                 * @constructor
                 * @param {hawser.fabric.v1.Delivery.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Delivery = function (properties) {
                    this.slots = [];
                    this.generations = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Delivery frame.
                 * @member {Uint8Array} frame
                 * @memberof hawser.fabric.v1.Delivery
                 * @instance
                 */
                Delivery.prototype.frame = $util.newBuffer([]);

                /**
                 * Delivery slots.
                 * @member {Array.<number>} slots
                 * @memberof hawser.fabric.v1.Delivery
                 * @instance
                 */
                Delivery.prototype.slots = $util.emptyArray;

                /**
                 * Delivery generations.
                 * @member {Array.<number>} generations
                 * @memberof hawser.fabric.v1.Delivery
                 * @instance
                 */
                Delivery.prototype.generations = $util.emptyArray;

                /**
                 * Delivery class.
                 * @member {hawser.fabric.v1.DeliveryClass} class
                 * @memberof hawser.fabric.v1.Delivery
                 * @instance
                 */
                Delivery.prototype["class"] = 0;

                /**
                 * Encodes the specified Delivery message. Does not implicitly {@link hawser.fabric.v1.Delivery.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Delivery
                 * @static
                 * @param {hawser.fabric.v1.Delivery.$Properties} message Delivery message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Delivery.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.frame != null && $Object.hasOwnProperty.call(message, "frame") && message.frame.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.frame);
                    if (message.slots != null && message.slots.length)
                        writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.slots);
                    if (message.generations != null && message.generations.length)
                        writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.generations);
                    if (message["class"] != null && $Object.hasOwnProperty.call(message, "class") && message["class"] !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).int32(message["class"]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Delivery message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Delivery
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Delivery & hawser.fabric.v1.Delivery.$Shape} Delivery
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Delivery.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Delivery();
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
                                    message.frame = value;
                                else
                                    delete message.frame;
                                continue;
                            }
                        case 2: {
                                if (wireType === 2) {
                                    if (!(message.slots && message.slots.length))
                                        message.slots = [];
                                    reader.uint32s(message.slots);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.slots && message.slots.length))
                                    message.slots = [];
                                message.slots.push(reader.uint32());
                                continue;
                            }
                        case 3: {
                                if (wireType === 2) {
                                    if (!(message.generations && message.generations.length))
                                        message.generations = [];
                                    reader.uint32s(message.generations);
                                    continue;
                                }
                                if (wireType !== 0)
                                    break;
                                if (!(message.generations && message.generations.length))
                                    message.generations = [];
                                message.generations.push(reader.uint32());
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message["class"] = value;
                                else
                                    delete message["class"];
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

                return Delivery;
            })();

            v1.Down = (function() {

                /**
                 * Properties of a Down.
                 * @typedef {Object} hawser.fabric.v1.Down.$Properties
                 * @property {hawser.fabric.v1.LinkHead.$Properties|null} [head] Down head
                 * @property {number|null} [epoch] Down epoch
                 * @property {Array.<hawser.fabric.v1.Delivery.$Properties>|null} [deliveries] Down deliveries
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Down.
                 * @memberof hawser.fabric.v1
                 * @interface IDown
                 * @augments hawser.fabric.v1.Down.$Properties
                 * @deprecated Use hawser.fabric.v1.Down.$Properties instead.
                 */

                /**
                 * Shape of a Down.
                 * @typedef {hawser.fabric.v1.Down.$Properties} hawser.fabric.v1.Down.$Shape
                 */

                /**
                 * Constructs a new Down.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents a Down.
                 * @constructor
                 * @param {hawser.fabric.v1.Down.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Down = function (properties) {
                    this.deliveries = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Down head.
                 * @member {hawser.fabric.v1.LinkHead.$Properties|null|undefined} head
                 * @memberof hawser.fabric.v1.Down
                 * @instance
                 */
                Down.prototype.head = null;

                /**
                 * Down epoch.
                 * @member {number} epoch
                 * @memberof hawser.fabric.v1.Down
                 * @instance
                 */
                Down.prototype.epoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Down deliveries.
                 * @member {Array.<hawser.fabric.v1.Delivery.$Properties>} deliveries
                 * @memberof hawser.fabric.v1.Down
                 * @instance
                 */
                Down.prototype.deliveries = $util.emptyArray;

                /**
                 * Encodes the specified Down message. Does not implicitly {@link hawser.fabric.v1.Down.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Down
                 * @static
                 * @param {hawser.fabric.v1.Down.$Properties} message Down message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Down.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.head != null && $Object.hasOwnProperty.call(message, "head"))
                        $root.hawser.fabric.v1.LinkHead.encode(message.head, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                    if (message.epoch != null && $Object.hasOwnProperty.call(message, "epoch") && (typeof message.epoch === "object" ? message.epoch.low || message.epoch.high : message.epoch !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.epoch);
                    if (message.deliveries != null && message.deliveries.length)
                        for (let i = 0; i < message.deliveries.length; ++i)
                            $root.hawser.fabric.v1.Delivery.encode(message.deliveries[i], writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Down message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Down
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Down & hawser.fabric.v1.Down.$Shape} Down
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Down.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Down();
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
                                message.head = $root.hawser.fabric.v1.LinkHead.decode(reader, reader.size(), $undefined, _depth + 1, message.head);
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.epoch = value;
                                else
                                    delete message.epoch;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.deliveries && message.deliveries.length))
                                    message.deliveries = [];
                                message.deliveries.push($root.hawser.fabric.v1.Delivery.decode(reader, reader.size(), $undefined, _depth + 1));
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

                return Down;
            })();

            v1.Owner = (function() {

                /**
                 * Properties of an Owner.
                 * @typedef {Object} hawser.fabric.v1.Owner.$Properties
                 * @property {Uint8Array|null} [incarnation] Owner incarnation
                 * @property {number|null} [epoch] Owner epoch
                 * @property {number|null} [shardFirst] Owner shardFirst
                 * @property {number|null} [shardLast] Owner shardLast
                 * @property {number|null} [shardCount] Owner shardCount
                 * @property {Uint8Array|null} [store] Owner store
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of an Owner.
                 * @memberof hawser.fabric.v1
                 * @interface IOwner
                 * @augments hawser.fabric.v1.Owner.$Properties
                 * @deprecated Use hawser.fabric.v1.Owner.$Properties instead.
                 */

                /**
                 * Shape of an Owner.
                 * @typedef {hawser.fabric.v1.Owner.$Properties} hawser.fabric.v1.Owner.$Shape
                 */

                /**
                 * Constructs a new Owner.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents an Owner.
                 * @constructor
                 * @param {hawser.fabric.v1.Owner.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Owner = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Owner incarnation.
                 * @member {Uint8Array} incarnation
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.incarnation = $util.newBuffer([]);

                /**
                 * Owner epoch.
                 * @member {number} epoch
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.epoch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Owner shardFirst.
                 * @member {number} shardFirst
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.shardFirst = 0;

                /**
                 * Owner shardLast.
                 * @member {number} shardLast
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.shardLast = 0;

                /**
                 * Owner shardCount.
                 * @member {number} shardCount
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.shardCount = 0;

                /**
                 * Owner store.
                 * @member {Uint8Array} store
                 * @memberof hawser.fabric.v1.Owner
                 * @instance
                 */
                Owner.prototype.store = $util.newBuffer([]);

                /**
                 * Encodes the specified Owner message. Does not implicitly {@link hawser.fabric.v1.Owner.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.Owner
                 * @static
                 * @param {hawser.fabric.v1.Owner.$Properties} message Owner message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Owner.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.incarnation != null && $Object.hasOwnProperty.call(message, "incarnation") && message.incarnation.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.incarnation);
                    if (message.epoch != null && $Object.hasOwnProperty.call(message, "epoch") && (typeof message.epoch === "object" ? message.epoch.low || message.epoch.high : message.epoch !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.epoch);
                    if (message.shardFirst != null && $Object.hasOwnProperty.call(message, "shardFirst") && message.shardFirst !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.shardFirst);
                    if (message.shardLast != null && $Object.hasOwnProperty.call(message, "shardLast") && message.shardLast !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.shardLast);
                    if (message.shardCount != null && $Object.hasOwnProperty.call(message, "shardCount") && message.shardCount !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.shardCount);
                    if (message.store != null && $Object.hasOwnProperty.call(message, "store") && message.store.length)
                        writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.store);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes an Owner message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.Owner
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.Owner & hawser.fabric.v1.Owner.$Shape} Owner
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Owner.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.Owner();
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
                                    message.incarnation = value;
                                else
                                    delete message.incarnation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.epoch = value;
                                else
                                    delete message.epoch;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.shardFirst = value;
                                else
                                    delete message.shardFirst;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.shardLast = value;
                                else
                                    delete message.shardLast;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.shardCount = value;
                                else
                                    delete message.shardCount;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.store = value;
                                else
                                    delete message.store;
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

                return Owner;
            })();

            v1.GatewayEntry = (function() {

                /**
                 * Properties of a GatewayEntry.
                 * @typedef {Object} hawser.fabric.v1.GatewayEntry.$Properties
                 * @property {Uint8Array|null} [incarnation] GatewayEntry incarnation
                 * @property {string|null} [tcp] GatewayEntry tcp
                 * @property {string|null} [websocket] GatewayEntry websocket
                 * @property {number|null} [sessions] GatewayEntry sessions
                 * @property {number|null} [sessionsMax] GatewayEntry sessionsMax
                 * @property {boolean|null} [draining] GatewayEntry draining
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a GatewayEntry.
                 * @memberof hawser.fabric.v1
                 * @interface IGatewayEntry
                 * @augments hawser.fabric.v1.GatewayEntry.$Properties
                 * @deprecated Use hawser.fabric.v1.GatewayEntry.$Properties instead.
                 */

                /**
                 * Shape of a GatewayEntry.
                 * @typedef {hawser.fabric.v1.GatewayEntry.$Properties} hawser.fabric.v1.GatewayEntry.$Shape
                 */

                /**
                 * Constructs a new GatewayEntry.
                 * @memberof hawser.fabric.v1
                 * @classdesc Represents a GatewayEntry.
                 * @constructor
                 * @param {hawser.fabric.v1.GatewayEntry.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const GatewayEntry = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * GatewayEntry incarnation.
                 * @member {Uint8Array} incarnation
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.incarnation = $util.newBuffer([]);

                /**
                 * GatewayEntry tcp.
                 * @member {string} tcp
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.tcp = "";

                /**
                 * GatewayEntry websocket.
                 * @member {string} websocket
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.websocket = "";

                /**
                 * GatewayEntry sessions.
                 * @member {number} sessions
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.sessions = 0;

                /**
                 * GatewayEntry sessionsMax.
                 * @member {number} sessionsMax
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.sessionsMax = 0;

                /**
                 * GatewayEntry draining.
                 * @member {boolean} draining
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @instance
                 */
                GatewayEntry.prototype.draining = false;

                /**
                 * Encodes the specified GatewayEntry message. Does not implicitly {@link hawser.fabric.v1.GatewayEntry.verify|verify} messages.
                 * @function encode
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @static
                 * @param {hawser.fabric.v1.GatewayEntry.$Properties} message GatewayEntry message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                GatewayEntry.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.incarnation != null && $Object.hasOwnProperty.call(message, "incarnation") && message.incarnation.length)
                        writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.incarnation);
                    if (message.tcp != null && $Object.hasOwnProperty.call(message, "tcp") && message.tcp !== "")
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.tcp);
                    if (message.websocket != null && $Object.hasOwnProperty.call(message, "websocket") && message.websocket !== "")
                        writer.uint32(/* id 3, wireType 2 =*/26).string(message.websocket);
                    if (message.sessions != null && $Object.hasOwnProperty.call(message, "sessions") && message.sessions !== 0)
                        writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.sessions);
                    if (message.sessionsMax != null && $Object.hasOwnProperty.call(message, "sessionsMax") && message.sessionsMax !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.sessionsMax);
                    if (message.draining != null && $Object.hasOwnProperty.call(message, "draining") && message.draining !== false)
                        writer.uint32(/* id 6, wireType 0 =*/48).bool(message.draining);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a GatewayEntry message from the specified reader or buffer.
                 * @function decode
                 * @memberof hawser.fabric.v1.GatewayEntry
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {hawser.fabric.v1.GatewayEntry & hawser.fabric.v1.GatewayEntry.$Shape} GatewayEntry
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                GatewayEntry.decode = function (reader, length, _end, _depth, _target) {
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
                    message = _target || new $root.hawser.fabric.v1.GatewayEntry();
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
                                    message.incarnation = value;
                                else
                                    delete message.incarnation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.tcp = value;
                                else
                                    delete message.tcp;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.websocket = value;
                                else
                                    delete message.websocket;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.sessions = value;
                                else
                                    delete message.sessions;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.sessionsMax = value;
                                else
                                    delete message.sessionsMax;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.draining = value;
                                else
                                    delete message.draining;
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

                return GatewayEntry;
            })();

            return v1;
        })();

        return fabric;
    })();

    return hawser;
})();

export {
  $root as default
};
