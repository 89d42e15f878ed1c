import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A partition's log in a directory: segment files in Kafka's format, and beside each what the earlier ones told.
final class FilePartitionStore {
    /// What producers and aborted transactions were when a segment began.
    struct Snapshot: Codable {
        var producers: [Int64: ProducerEntry] = [:]
        var aborted: [AbortedTransaction] = []
    }

    private let directory: String
    private let syncs: Bool
    private var active: AppendFile
    private var activeBase: Int64

    init(_ directory: String, syncs: Bool) throws {
        self.directory = directory
        self.syncs = syncs
        try Directory.create(directory)
        activeBase = try Self.bases(directory).last ?? 0
        active = try AppendFile(Self.path(directory, activeBase, "log"))
        if syncs { try Directory.syncParent(of: active.path) }
    }

    private static func path(_ directory: String, _ base: Int64, _ kind: String) -> String {
        let digits = String(base)
        return "\(directory)/\(String(repeating: "0", count: max(0, 20 - digits.count)))\(digits).\(kind)"
    }

    private static func bases(_ directory: String) throws -> [Int64] {
        try Directory.entries(directory).filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }.sorted()
    }

    /// Writes a batch at the end of the active segment.
    func append(_ bytes: ByteBuffer) throws {
        try active.append(bytes)
        if syncs { try active.sync() }
    }

    /// Begins a new segment and saves what only the older ones would tell.
    func roll(at offset: Int64, producers: [Int64: ProducerEntry], aborted: [AbortedTransaction]) throws {
        try active.sync()
        let snapshot = try JSONEncoder().encode(Snapshot(producers: producers, aborted: aborted))
        try Directory.replaceFile(
            Self.path(directory, offset, "snapshot"), with: ByteBuffer(bytes: snapshot), sync: syncs)
        active = try AppendFile(Self.path(directory, offset, "log"))
        activeBase = offset
        if syncs { try Directory.syncParent(of: active.path) }
    }

    func dropSegment(_ baseOffset: Int64, newStart: Int64) throws {
        try saveStart(newStart)
        try Directory.removeFile(Self.path(directory, baseOffset, "log"))
        try Directory.removeFile(Self.path(directory, baseOffset, "snapshot"))
    }

    /// Saves the first readable offset.
    func saveStart(_ offset: Int64) throws {
        try Directory.replaceFile("\(directory)/start", with: ByteBuffer(string: String(offset)), sync: syncs)
    }

    /// Replaces a closed segment's batches.
    func rewrite(_ segment: LogSegment) throws {
        var content = ByteBuffer()
        for batch in segment.batches { content.writeImmutableBuffer(batch.bytes) }
        try Directory.replaceFile(Self.path(directory, segment.baseOffset, "log"), with: content, sync: syncs)
    }

    func delete() throws { try Directory.remove(directory) }

    /// Forces what was written to the disk.
    func sync() throws { try active.sync() }

    // MARK: Recovery

    /// Reads the log back: all batches, and the producers' state as it was after the last.
    func recover(into log: PartitionLog, now: Int64) throws {
        let bases = try Self.bases(directory)
        for base in bases {
            log.beginSegment(at: base, created: now)
            let isLast = base == bases.last
            if isLast, let saved = try Directory.readFile(Self.path(directory, base, "snapshot")) {
                let snapshot = try JSONDecoder().decode(Snapshot.self, from: Data(saved.readableBytesView))
                log.restore(producers: snapshot.producers, aborted: snapshot.aborted)
            }
            try recover(base, into: log, replay: isLast)
        }
        if let start = try Directory.readFile("\(directory)/start"), let offset = Int64(String(buffer: start)) {
            log.restore(start: offset)
        }
    }

    private func recover(_ base: Int64, into log: PartitionLog, replay: Bool) throws {
        let file = base == activeBase ? active : try AppendFile(Self.path(directory, base, "log"))
        var position: Int64 = 0
        while let header = RecordBatchHeader(try file.read(at: position, count: RecordBatchHeader.size)) {
            guard header.magic == 2, header.sizeInBytes >= RecordBatchHeader.size,
                position + Int64(header.sizeInBytes) <= file.size
            else { break }
            let batch = try file.read(at: position, count: header.sizeInBytes)
            guard batch.readableBytes == header.sizeInBytes, RecordBatchHeader.checksum(of: batch) == header.crc,
                header.baseOffset >= log.endOffset || !replay
            else { break }
            log.place(batch, header: header)
            if replay { log.replay(batch, header: header) }
            position += Int64(header.sizeInBytes)
        }
        // A write cut short by the end of the process was never acknowledged.
        if position < file.size { try file.truncate(to: position) }
    }
}
