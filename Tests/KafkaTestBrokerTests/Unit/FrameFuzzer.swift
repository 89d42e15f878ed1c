import Logging
import NIOCore
import NIOEmbedded
import TestSupport

@testable import KafkaTestBroker

/// A seeded loop that mutates recorded requests and has a broker without sockets answer them.
struct FrameFuzzer {
    /// How a run went. What must not happen, a crash or a hang, ends or stalls the process instead.
    struct Report: Sendable {
        /// Frames that got an answer, or were taken in and wait for something.
        var answered = 0
        /// Frames that ended the connection.
        var refused = 0
        var slowest = Duration.zero
    }

    /// A broker is used for so many frames, so that topics and groups of mutated names do not pile up.
    private static let framesPerBroker = 5000

    private let seeds: [Seed]
    private var random: Seeded
    private var broker: Broker
    private var connection: Connection
    private var loop = EmbeddedEventLoop()
    private var used = 0

    private struct Seed {
        let frame: [UInt8]
        /// Where a record batch begins in the frame, if there is one.
        let batch: Int?
    }

    /// Takes frames, each behind its length as on the wire, without that length in the mutations.
    init(corpus: [UInt8], seed: UInt64) {
        var buffer = ByteBuffer(bytes: corpus)
        var seeds: [Seed] = []
        while let length = buffer.readInteger(as: Int32.self), let frame = buffer.readBytes(length: Int(length)) {
            seeds.append(Seed(frame: frame, batch: Self.batch(in: frame)))
        }
        self.seeds = seeds
        random = Seeded(seed)
        (broker, connection) = Self.newBroker(loop)
    }

    private static func newBroker(_ loop: EmbeddedEventLoop) -> (Broker, Connection) {
        var configuration = BrokerConfiguration()
        configuration.retentionBytes = 1 << 20
        let broker = Broker(
            configuration: configuration, loop: loop,
            logger: Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() }))
        broker.endpoints = [("127.0.0.1", 9092)]
        let connection = Connection(number: 1, node: 1, clientHost: "127.0.0.1", authentication: .open)
        return (broker, connection)
    }

    /// Finds a whole record batch whose checksum is right.
    private static func batch(in frame: [UInt8]) -> Int? {
        let buffer = ByteBuffer(bytes: frame)
        for start in 0..<max(0, frame.count - RecordBatchHeader.size) {
            guard let slice = buffer.getSlice(at: start, length: frame.count - start),
                let header = RecordBatchHeader(slice), header.magic == 2,
                (RecordBatchHeader.size...slice.readableBytes).contains(header.sizeInBytes),
                let batch = slice.getSlice(at: slice.readerIndex, length: header.sizeInBytes),
                RecordBatchHeader.checksum(of: batch) == header.crc
            else { continue }
            return start
        }
        return nil
    }

    /// Tries so many mutated frames.
    mutating func run(_ count: Int) -> Report {
        var report = Report()
        let clock = ContinuousClock()
        for _ in 0..<count {
            let frame = mutatedFrame()
            let start = clock.now
            if accepts(frame) { report.answered += 1 } else { report.refused += 1 }
            report.slowest = max(report.slowest, clock.now - start)
            used += 1
            if used % Self.framesPerBroker == 0 {
                connection.pendingFetch?.cancel()
                broker.shutdown()
                // Timers of the old broker must not keep it.
                loop = EmbeddedEventLoop()
                (broker, connection) = Self.newBroker(loop)
            }
        }
        return report
    }

    private func accepts(_ frame: [UInt8]) -> Bool {
        var isOpen = true
        do throws(WireError) {
            try broker.receive(ByteBuffer(bytes: frame), on: connection) { reply, _ in
                if case .close = reply { isOpen = false }
            }
        } catch {
            isOpen = false
        }
        connection.pendingFetch?.cancel()
        connection.pendingFetch = nil
        return isOpen
    }

    // MARK: Mutations

    private mutating func mutatedFrame() -> [UInt8] {
        guard let seed = seeds.randomElement(using: &random) else { return [] }
        var frame = seed.frame
        if Int.random(in: 0..<4, using: &random) == 0 { changeVersion(&frame) }
        for _ in 0..<Int.random(in: 0...5, using: &random) { mutate(&frame) }
        // Without its checksum set right, hardly a changed batch would get past the first check.
        if let batch = seed.batch, frame.count == seed.frame.count, Bool.random(using: &random) {
            setChecksum(&frame, batch)
        }
        return frame
    }

    private mutating func changeVersion(_ frame: inout [UInt8]) {
        guard frame.count >= 4, let api = API.numbered(Int16(frame[0]) << 8 | Int16(frame[1])) else { return }
        frame[2] = 0
        frame[3] = UInt8(Int16.random(in: api.versions, using: &random))
    }

    private mutating func mutate(_ frame: inout [UInt8]) {
        guard !frame.isEmpty else { return }
        let position = Int.random(in: 0..<frame.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: frame[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: frame[position] = UInt8.random(in: .min ... .max, using: &random)
        case 2: frame[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
        case 3: frame.removeSubrange(position...)
        case 4:
            let end = min(frame.count, position + Int.random(in: 1...16, using: &random))
            frame.removeSubrange(position..<end)
        case 5: frame.insert(contentsOf: frame[position...].prefix(16), at: position)
        case 6:
            let extreme: [UInt8] = Bool.random(using: &random) ? [0x7F, 0xFF, 0xFF, 0xFF] : [0x80, 0, 0, 0]
            for (index, byte) in extreme.enumerated() where position + index < frame.count {
                frame[position + index] = byte
            }
        default:
            guard let other = seeds.randomElement(using: &random)?.frame, !other.isEmpty else { return }
            frame.replaceSubrange(position..., with: other[Int.random(in: 0..<other.count, using: &random)...])
        }
    }

    private func setChecksum(_ frame: inout [UInt8], _ start: Int) {
        let buffer = ByteBuffer(bytes: frame[start...])
        guard let header = RecordBatchHeader(buffer), header.sizeInBytes >= RecordBatchHeader.size,
            let batch = buffer.getSlice(at: 0, length: header.sizeInBytes)
        else { return }
        let checksum = RecordBatchHeader.checksum(of: batch)
        for index in 0..<4 { frame[start + 17 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
    }
}
