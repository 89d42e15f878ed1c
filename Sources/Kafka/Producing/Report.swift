/// What became of one record, as the client says it.
struct Report: Sendable {
    let offset: Int64
    /// The batch's slot and the record's index in it.
    let slot: UInt32
    let index: UInt32
    let partition: Int32
    /// 0 for a record that is in the log.
    let code: Int32

    init(opaque: UInt, offset: Int64, partition: Int32, code: Int32) {
        let parts = BatchSlots.parts(of: opaque)
        (slot, index) = (parts.slot, UInt32(truncatingIfNeeded: parts.index))
        (self.offset, self.partition, self.code) = (offset, partition, code)
    }
}
