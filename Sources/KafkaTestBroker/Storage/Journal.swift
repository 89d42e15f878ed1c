import CCRC32C
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The cluster's state apart from the logs: topics, transactions, offsets. One file of entries, the last of a key counts.
final class Journal {
    struct Key: Hashable {
        let kind: String
        let name: String
    }

    private let path: String
    private let syncs: Bool
    private var file: AppendFile
    private var entries: [Key: [UInt8]] = [:]
    private var liveBytes = 0
    /// The file is rewritten when it is this many times larger than what counts in it, and not small.
    private static let slack = 4
    private static let smallBytes = 4 << 20

    init(_ path: String, syncs: Bool) throws {
        self.path = path
        self.syncs = syncs
        file = try AppendFile(path)
        try load()
        try rewrite()
    }

    func values<Value: Decodable>(_ kind: String, as type: Value.Type) throws -> [(name: String, value: Value)] {
        try entries.filter { $0.key.kind == kind }.sorted { $0.key.name < $1.key.name }
            .map { ($0.key.name, try JSONDecoder().decode(type, from: Data($0.value))) }
    }

    func put(_ kind: String, _ name: String, _ value: (some Encodable)?) throws {
        let key = Key(kind: kind, name: name)
        let bytes = try value.map { try Array(JSONEncoder().encode($0)) }
        if bytes == nil && entries[key] == nil { return }
        try file.append(Self.frame(key, bytes))
        if syncs { try file.sync() }
        apply(key, bytes)
        if file.size > Int64(max(Self.smallBytes, liveBytes * Self.slack)) { try rewrite() }
    }

    func sync() throws { try file.sync() }

    private func apply(_ key: Key, _ value: [UInt8]?) {
        liveBytes -= entries[key]?.count ?? 0
        liveBytes += value?.count ?? 0
        entries[key] = value
    }

    private static func frame(_ key: Key, _ value: [UInt8]?) -> ByteBuffer {
        var entry = JournalEntry(
            kind: key.kind, name: ByteBuffer(string: key.name), value: value.map { ByteBuffer(bytes: $0) })
        var wire = Coder(writing: .init())
        wire(&entry)
        let content = wire.joined()
        var frame = ByteBuffer()
        frame.writeInteger(Int32(content.readableBytes))
        frame.writeInteger(checksum(content))
        frame.writeImmutableBuffer(content)
        return frame
    }

    private static func checksum(_ bytes: ByteBuffer) -> UInt32 {
        bytes.withUnsafeReadableBytes { godwit_crc32c(0, $0.baseAddress, $0.count) }
    }

    /// Reads all whole entries and cuts off a torn one at the end.
    private func load() throws {
        var rest = try file.read(at: 0, count: Int(file.size))
        var valid: Int64 = 0
        while let length = rest.readInteger(as: Int32.self), let expected = rest.readInteger(as: UInt32.self),
            length >= 0, let body = rest.readSlice(length: Int(length)), Self.checksum(body) == expected
        {
            var wire = Coder(reading: body)
            var entry = JournalEntry()
            wire(&entry)
            try wire.finishReading()
            let key = Key(kind: entry.kind, name: String(buffer: entry.name))
            apply(key, entry.value.map { Array($0.readableBytesView) })
            valid += Int64(length) + 8
        }
        try file.truncate(to: valid)
    }

    private func rewrite() throws {
        var content = ByteBuffer()
        for (key, value) in entries { content.writeImmutableBuffer(Self.frame(key, value)) }
        try Directory.replaceFile(path, with: content, sync: syncs)
        file = try AppendFile(path)
    }
}

/// An entry of the journal's file; without a value it deletes the key.
private struct JournalEntry: Field {
    var kind = ""
    var name = ByteBuffer()
    var value: ByteBuffer?

    mutating func code(_ wire: inout Coder) { wire(&kind, &name, &value) }
}
