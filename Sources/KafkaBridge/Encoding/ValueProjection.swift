import EventSourcing
package import Kafka

/// Reduces JSON payloads by ``ProjectionSteps``, on their bytes: numbers and strings stay as they were written.
package struct ValueProjection: Sendable, Hashable {
    private struct Node: Sendable, Hashable {
        enum Action: Sendable, Hashable {
            case none, drop, mask, hash
        }

        let name: [UInt8]
        /// The place in an array, where the name is one.
        let index: Int?
        var action = Action.none
        /// Whether all of it is kept.
        var isKept = false
        /// Whether something below is kept.
        var leadsToKept = false
        /// The new name.
        var newName: [UInt8]?
        /// The same as JSON.
        var newText: [UInt8] = []
        var children: [Node] = []
        /// The new names of children.
        var targets: [[UInt8]] = []

        init(_ name: [UInt8]) {
            self.name = name
            let number = Int(String(decoding: name, as: UTF8.self))
            index = number.flatMap { $0 >= 0 && Array("\($0)".utf8) == name ? $0 : nil }
        }

        mutating func enter(_ path: ArraySlice<[UInt8]>, _ change: (inout Node) -> Void) {
            guard let first = path.first else { return change(&self) }
            let place =
                children.firstIndex { $0.name == first }
                ?? {
                    children.append(Node(first))
                    return children.count - 1
                }()
            children[place].enter(path.dropFirst(), change)
        }

        /// - Returns: whether something is kept in it.
        mutating func settle() -> Bool {
            for index in children.indices where children[index].settle() { leadsToKept = true }
            targets = children.compactMap(\.newName)
            return isKept || leadsToKept
        }
    }

    package let steps: ProjectionSteps
    private let root: Node
    private let key: KeyedHash?
    private let keepsAll: Bool

    /// What a masked value becomes.
    static let mask = Array(#""***""#.utf8)

    /// - Parameters:
    ///   - steps: without contradictions.
    ///   - key: for `hash`.
    package init(_ steps: ProjectionSteps, key: KeyedHash? = nil) {
        precondition(steps.hash.isEmpty || key != nil, "a hash needs a key")
        self.steps = steps
        self.key = key
        keepsAll = steps.keep.isEmpty
        var root = Node([])
        for pointer in steps.keep { root.enter(pointer.path[...]) { $0.isKept = true } }
        for pointer in steps.drop { root.enter(pointer.path[...]) { $0.action = .drop } }
        for pointer in steps.mask { root.enter(pointer.path[...]) { $0.action = .mask } }
        for pointer in steps.hash { root.enter(pointer.path[...]) { $0.action = .hash } }
        for (pointer, name) in steps.rename {
            root.enter(pointer.path[...]) { node in
                node.newName = Array(name.utf8)
                node.newText = JSONWriter.text(of: name)
            }
        }
        _ = root.settle()
        self.root = root
    }

    /// What is left of a payload.
    func apply(to payload: RawSpan) throws(RecordProblem) -> [UInt8] {
        guard JSONText.isValid(payload) else { throw .payloadNotJSON }
        var pass = Pass(capacity: payload.byteCount + 64, key: key)
        var problem: RecordProblem?
        payload.withUnsafeBytes { bytes in
            var scan = JSONScan(bytes)
            scan.skipSpace()
            if !keepsAll, !scan.isAtContainer {
                problem = .payloadWithoutMembers
            } else {
                pass.write(&scan, root, isFiltered: !keepsAll)
                problem = pass.problem
            }
        }
        if let problem { throw problem }
        return pass.output
    }

    /// One pass over one valid payload.
    private struct Pass {
        var output: [UInt8] = []
        var problem: RecordProblem?
        let key: KeyedHash?

        init(capacity: Int, key: KeyedHash?) {
            self.key = key
            output.reserveCapacity(capacity)
        }

        /// Writes what is left of the value that the scan is at.
        ///
        /// - Parameter isFiltered: whether only what the node leads to is kept.
        mutating func write(_ scan: inout JSONScan, _ node: Node, isFiltered: Bool) {
            switch node.action {
            case .mask:
                scan.skipValue()
                output += ValueProjection.mask
            case .hash: writeHash(scan.value())
            case .none where node.children.isEmpty || !scan.isAtContainer: output.append(contentsOf: scan.value())
            case .none, .drop: writeContainer(&scan, node, isFiltered)
            }
        }

        private mutating func writeContainer(_ scan: inout JSONScan, _ node: Node, _ isFiltered: Bool) {
            let isObject = scan.isAtObject
            output.append(scan.take())
            var isFirst = true
            var number = 0
            // By the new names: whether a renamed member has it, and whether another one has.
            var (renamed, plain) = (0, 0)
            scan.skipSpace()
            while !scan.isAtEndOfContainer {
                let name = isObject ? scan.string() : nil
                if isObject { scan.skipToValue() }
                let child = name.map { Self.child(of: node, $0) } ?? node.children.first { $0.index == number }
                number += 1
                if isWanted(child, isFiltered, scan) {
                    if !isFirst { output.append(UInt8(ascii: ",")) }
                    isFirst = false
                    if let name {
                        if !node.targets.isEmpty { note(node, child, name, &renamed, &plain) }
                        if let child, child.newName != nil {
                            output += child.newText
                        } else {
                            output.append(contentsOf: name)
                        }
                        output.append(UInt8(ascii: ":"))
                    }
                    if let child {
                        write(&scan, child, isFiltered: isFiltered && !child.isKept)
                    } else {
                        output.append(contentsOf: scan.value())
                    }
                } else {
                    scan.skipValue()
                }
                scan.skipToNext()
            }
            output.append(scan.take())
        }

        private func isWanted(_ child: Node?, _ isFiltered: Bool, _ scan: JSONScan) -> Bool {
            guard let child else { return !isFiltered }
            if child.action == .drop { return false }
            return !isFiltered || child.isKept || child.leadsToKept && scan.isAtContainer
        }

        /// Sees to it that no two members of an object get the same name by a renaming.
        private mutating func note(
            _ node: Node, _ child: Node?, _ name: UnsafeRawBufferPointer, _ renamed: inout Int, _ plain: inout Int
        ) {
            if let newName = child?.newName {
                guard let target = node.targets.firstIndex(of: newName) else { return }
                renamed |= 1 << (target & 63)
                if plain & 1 << (target & 63) != 0 { clash(newName) }
            } else if let target = node.targets.firstIndex(where: { Self.equals(name, $0) }) {
                plain |= 1 << (target & 63)
                if renamed & 1 << (target & 63) != 0 { clash(node.targets[target]) }
            }
        }

        private mutating func clash(_ name: [UInt8]) {
            problem = problem ?? .renamedTwice(String(decoding: name, as: UTF8.self))
        }

        private static func child(of node: Node, _ name: UnsafeRawBufferPointer) -> Node? {
            node.children.first { equals(name, $0.name) }
        }

        /// Whether a string, with its quotes, is the text.
        private static func equals(_ string: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
            let inside = UnsafeRawBufferPointer(rebasing: string[1..<(string.count - 1)])
            guard inside.contains(UInt8(ascii: "\\")) else { return inside.elementsEqual(text) }
            return JSONText.unescaped(inside).utf8.elementsEqual(text)
        }

        private mutating func writeHash(_ value: UnsafeRawBufferPointer) {
            var bytes = Array(value)
            if value.first == UInt8(ascii: "\"") {
                guard let text = JSONScalar.unescaped(UnsafeRawBufferPointer(rebasing: value[1..<(value.count - 1)]))
                else {
                    problem = problem ?? .hashedSurrogate
                    return
                }
                bytes = text
            }
            output.append(UInt8(ascii: "\""))
            for byte in key?.digest(of: bytes.span.bytes) ?? [] {
                output.append(JSONWriter.digit(byte >> 4))
                output.append(JSONWriter.digit(byte & 15))
            }
            output.append(UInt8(ascii: "\""))
        }
    }
}

/// Goes through JSON that is known to be valid.
private struct JSONScan {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var byte: UInt8 { index < bytes.count ? bytes[index] : 0 }

    var isAtObject: Bool { byte == UInt8(ascii: "{") }
    var isAtContainer: Bool { isAtObject || byte == UInt8(ascii: "[") }
    var isAtEndOfContainer: Bool { byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || index >= bytes.count }

    mutating func take() -> UInt8 {
        defer { index += 1 }
        return byte
    }

    mutating func skipSpace() {
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
    }

    /// From behind a member's name to its value.
    mutating func skipToValue() {
        skipSpace()
        index += 1
        skipSpace()
    }

    /// From behind a value to the next name, element or end.
    mutating func skipToNext() {
        skipSpace()
        guard byte == UInt8(ascii: ",") else { return }
        index += 1
        skipSpace()
    }

    /// A string with its quotes.
    mutating func string() -> UnsafeRawBufferPointer {
        let start = index
        skipString()
        return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
    }

    /// A value's bytes.
    mutating func value() -> UnsafeRawBufferPointer {
        let start = index
        skipValue()
        return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
    }

    mutating func skipValue() {
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                index += 1
            case 0...0x20, UInt8(ascii: ","), UInt8(ascii: ":"): index += 1
            default: skipWord()
            }
            if depth <= 0 { return }
        }
    }

    private mutating func skipString() {
        index += 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    private mutating func skipWord() {
        while index < bytes.count {
            switch bytes[index] {
            case 0...0x20, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return
            default: index += 1
            }
        }
    }
}
