import EventSourcing
import Glibc

@testable import Consumers
@testable import Postgres

/// Events that no server has sent, laid out as `COPY` brings them.
enum MadeUpEvents {
    struct Event {
        var position: Int64
        var context = "Shop"
        var type = "Order"
        var aggregate = "order-1"
        var payload = "{}"
    }

    private static let types: [UInt32] = [20, 25, 25, 25, 20, 2950, 25, 23, 17, 25, 25, 25, 3802, 1184]

    static func batch(_ events: [Event]) throws -> EventBatch {
        var bytes: [UInt8] = []
        var offsets: [UInt32] = []
        func add(_ value: [UInt8]?) {
            withUnsafeBytes(of: Int32(value?.count ?? -1).bigEndian) { bytes += $0 }
            offsets.append(UInt32(bytes.count))
            bytes += value ?? []
        }
        func add(_ number: some FixedWidthInteger) { add(withUnsafeBytes(of: number.bigEndian) { Array($0) }) }
        for event in events {
            add(event.position)
            for text in [event.context, event.type, event.aggregate] { add(Array(text.utf8)) }
            add(Int64(1))
            add(Array(repeating: UInt8(truncatingIfNeeded: event.position), count: 16))
            add(Array("Happened".utf8))
            add(Int32(1))
            add(Array(event.payload.utf8))
            for _ in 0..<4 { add(nil) }
            add(Int64(0))
        }
        // The batch frees both.
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
        block.copyMemory(from: bytes, byteCount: bytes.count)
        let places = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, offsets.count))
        places.initialize(from: offsets, count: offsets.count)
        return try EventBatch(
            ResultCells(
                taking: block, byteCount: bytes.count, offsets: places, rowCount: events.count, types: types))
    }

    /// Rows as the reader makes them; without kinds, all subscriptions want all events.
    static func rows(
        _ events: [Event], kinds: ((EventView) -> Int)? = nil, memory: MemoryBudget = .unbounded
    ) throws -> LogRows {
        let batch = try batch(events)
        return LogRows(
            batch, kinds: kinds.map { batch.map($0) } ?? [], charge: memory.charge(batch.memorySize))
    }

    static func rows(_ positions: [Int64], memory: MemoryBudget = .unbounded) throws -> LogRows {
        try rows(positions.map { Event(position: $0) }, memory: memory)
    }
}

extension MemoryBudget {
    static var unbounded: MemoryBudget { MemoryBudget(limit: .max, released: WakeSignal()) }
}

extension LogBatch {
    /// All events of the rows, which are not empty.
    init(all rows: LogRows, through position: Int64? = nil) {
        self.init(
            rows, 0..<rows.events.count, through: position ?? rows.events[rows.events.count - 1].globalPosition,
            isFull: false)
    }

    var positions: [Int64] { range.map { rows.events[$0].globalPosition } }
}
