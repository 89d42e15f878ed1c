/// Which batch a slot number stands for.
///
/// A record's opaque is slot and index in one word, so that librdkafka holds no reference to any object: a report that
/// never comes leaks nothing, and one that comes late finds either its batch or nobody.
struct BatchSlots {
    private var batches: [Batch?] = []
    private var free: [UInt32] = []

    mutating func open(_ source: any RecordSource) -> Batch {
        if let slot = free.popLast() {
            let batch = Batch(slot: slot, source: source)
            batches[Int(slot)] = batch
            return batch
        }
        let batch = Batch(slot: UInt32(batches.count), source: source)
        batches.append(batch)
        return batch
    }

    mutating func close(_ batch: Batch) {
        guard batches[Int(batch.slot)] === batch else { return }
        batches[Int(batch.slot)] = nil
        free.append(batch.slot)
    }

    func batch(of slot: UInt32) -> Batch? { Int(slot) < batches.count ? batches[Int(slot)] : nil }

    var open: [Batch] { batches.compactMap { $0 } }

    static func opaque(slot: UInt32, index: Int) -> UInt { UInt(slot) << 32 | UInt(UInt32(truncatingIfNeeded: index)) }

    static func parts(of opaque: UInt) -> (slot: UInt32, index: Int) {
        (UInt32(truncatingIfNeeded: opaque >> 32), Int(UInt32(truncatingIfNeeded: opaque)))
    }
}
