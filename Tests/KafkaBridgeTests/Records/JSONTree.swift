@testable import Kafka
@testable import KafkaBridge

/// JSON as a tree of its own, to compare with: values keep their bytes, objects the order of their members.
indirect enum JSONTree: Equatable {
    case scalar([UInt8])
    /// With its quotes.
    case string([UInt8])
    case array([JSONTree])
    case object([Member])

    struct Member: Equatable {
        var name: [UInt8]
        var value: JSONTree
    }

    /// `nil` for what is not JSON.
    init?(_ bytes: [UInt8]) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = Reader(bytes: bytes)
        guard let tree = reader.value(0) else { return nil }
        reader.space()
        guard reader.index == bytes.count else { return nil }
        self = tree
    }

    var text: [UInt8] {
        switch self {
        case .scalar(let bytes), .string(let bytes): bytes
        case .array(let items): [0x5b] + items.map(\.text).joined(separator: [0x2c]) + [0x5d]
        case .object(let members):
            [0x7b] + members.map { Self.quoted($0.name) + [0x3a] + $0.value.text }.joined(separator: [0x2c]) + [0x7d]
        }
    }

    private static func quoted(_ name: [UInt8]) -> [UInt8] { [0x22] + name + [0x22] }

    var isContainer: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    /// A string's inside in UTF-16, halves of surrogate pairs as they are.
    static func units(_ inside: [UInt8]) -> [UInt16] {
        var units: [UInt16] = []
        var plain: [UInt8] = []
        func flush() {
            units += Array(String(decoding: plain, as: UTF8.self).utf16)
            plain = []
        }
        var index = 0
        while index < inside.count {
            guard inside[index] == 0x5c else {
                plain.append(inside[index])
                index += 1
                continue
            }
            flush()
            let escapes: [UInt8: UInt16] = [0x6e: 10, 0x74: 9, 0x72: 13, 0x62: 8, 0x66: 12]
            if inside[index + 1] == 0x75 {
                units.append(UInt16(String(decoding: inside[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16) ?? 0)
                index += 6
            } else {
                units.append(escapes[inside[index + 1]] ?? UInt16(inside[index + 1]))
                index += 2
            }
        }
        flush()
        return units
    }

    /// The text, with what is no text replaced; `nil` where it is to be a text for certain and is none.
    static func text(_ inside: [UInt8], strictly: Bool) -> [UInt8]? {
        let units = units(inside)
        let text = String(decoding: units, as: UTF16.self)
        return strictly && Array(text.utf16) != units ? nil : Array(text.utf8)
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        mutating func space() {
            while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func value(_ depth: Int) -> JSONTree? {
            guard depth <= 200 else { return nil }
            space()
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case 0x7b: return object(depth)
            case 0x5b: return array(depth)
            case 0x22: return string().map { .string([0x22] + $0 + [0x22]) }
            default: return word().map { .scalar($0) }
            }
        }

        private mutating func array(_ depth: Int) -> JSONTree? {
            index += 1
            space()
            if take(0x5d) { return .array([]) }
            var items: [JSONTree] = []
            repeat {
                guard let item = value(depth + 1) else { return nil }
                items.append(item)
                space()
            } while take(0x2c)
            return take(0x5d) ? .array(items) : nil
        }

        private mutating func object(_ depth: Int) -> JSONTree? {
            index += 1
            space()
            if take(0x7d) { return .object([]) }
            var members: [Member] = []
            repeat {
                space()
                guard index < bytes.count, bytes[index] == 0x22, let name = string() else { return nil }
                space()
                guard take(0x3a), let value = value(depth + 1) else { return nil }
                members.append(Member(name: name, value: value))
                space()
            } while take(0x2c)
            return take(0x7d) ? .object(members) : nil
        }

        private mutating func string() -> [UInt8]? {
            index += 1
            let start = index
            while index < bytes.count, bytes[index] != 0x22 {
                if bytes[index] < 0x20 { return nil }
                guard bytes[index] == 0x5c else {
                    index += 1
                    continue
                }
                guard index + 1 < bytes.count else { return nil }
                if bytes[index + 1] == 0x75 {
                    guard index + 6 <= bytes.count else { return nil }
                    for digit in bytes[(index + 2)..<(index + 6)] where !Character(Unicode.Scalar(digit)).isHexDigit {
                        return nil
                    }
                    index += 6
                } else {
                    guard Array(#""\/bfnrt"#.utf8).contains(bytes[index + 1]) else { return nil }
                    index += 2
                }
            }
            guard index < bytes.count else { return nil }
            defer { index += 1 }
            return Array(bytes[start..<index])
        }

        private mutating func word() -> [UInt8]? {
            let start = index
            let ends: [UInt8] = [0x20, 0x09, 0x0a, 0x0d, 0x2c, 0x5d, 0x7d]
            while index < bytes.count, !ends.contains(bytes[index]) { index += 1 }
            let word = String(decoding: bytes[start..<index], as: UTF8.self)
            if ["true", "false", "null"].contains(word) { return Array(word.utf8) }
            return word.wholeMatch(of: #/-?(0|[1-9][0-9]*|0*[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/#) != nil
                && word.wholeMatch(of: #/-?0[0-9].*/#) == nil ? Array(word.utf8) : nil
        }
    }
}

/// What ``ValueProjection`` does, on trees and step by step.
struct TreeProjection {
    struct Refused: Error {}

    let steps: ProjectionSteps
    let key: KeyedHash
    private let keep, drop, mask, hash: [[[UInt8]]]
    private let renames: [(path: [[UInt8]], name: [UInt8])]

    init(_ steps: ProjectionSteps, key: KeyedHash) {
        self.steps = steps
        self.key = key
        keep = steps.keep.map(\.path)
        drop = steps.drop.map(\.path)
        mask = steps.mask.map(\.path)
        hash = steps.hash.map(\.path)
        renames = steps.rename.map { ($0.pointer.path, Array($0.name.utf8)) }
    }

    func apply(_ tree: JSONTree) throws -> JSONTree {
        guard keep.isEmpty || tree.isContainer else { throw Refused() }
        return try reduce(tree, [])
    }

    private func reduce(_ tree: JSONTree, _ path: [[UInt8]]) throws -> JSONTree {
        if mask.contains(path) { return .string(Array(#""***""#.utf8)) }
        if hash.contains(path) { return try hashed(tree) }
        switch tree {
        case .scalar, .string: return tree
        case .array(let items):
            return .array(
                try items.enumerated().compactMap { index, item in
                    let path = path + [Array("\(index)".utf8)]
                    return isWanted(item, path) ? try reduce(item, path) : nil
                })
        case .object(let members):
            var result: [JSONTree.Member] = []
            var origins: [[UInt8]: Set<Bool>] = [:]
            for member in members {
                guard let name = JSONTree.text(member.name, strictly: false) else { continue }
                let path = path + [name]
                guard isWanted(member.value, path) else { continue }
                let newName = renames.first { $0.path == path }?.name
                origins[newName ?? name, default: []].insert(newName != nil)
                let written = newName.map {
                    Array(JSONWriter.text(of: String(decoding: $0, as: UTF8.self)).dropFirst().dropLast())
                }
                result.append(.init(name: written ?? member.name, value: try reduce(member.value, path)))
            }
            if origins.values.contains(where: { $0.count > 1 }) { throw Refused() }
            return .object(result)
        }
    }

    private func isWanted(_ tree: JSONTree, _ path: [[UInt8]]) -> Bool {
        if drop.contains(path) { return false }
        if keep.isEmpty || keep.contains(where: { path.starts(with: $0) }) { return true }
        return tree.isContainer && keep.contains { $0.starts(with: path) }
    }

    /// - Parameter tree: a string or scalar; of objects and arrays the bytes are not kept here.
    private func hashed(_ tree: JSONTree) throws -> JSONTree {
        var bytes = tree.text
        if case .string(let string) = tree {
            guard let text = JSONTree.text(Array(string.dropFirst().dropLast()), strictly: true) else {
                throw Refused()
            }
            bytes = text
        }
        let digest = key.digest(of: bytes.span.bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return .string(Array("\"\(digest)\"".utf8))
    }
}
