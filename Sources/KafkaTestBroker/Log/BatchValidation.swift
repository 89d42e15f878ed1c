import CCRC32C
import NIOCore

/// The checks that a batch from a client must pass before it may be written.
enum BatchValidation {
    /// A batch that may be written, with its time set if the topic keeps the time of the append.
    struct Accepted {
        var bytes: ByteBuffer
        var header: RecordBatchHeader
    }

    static func validate(
        _ records: ByteBuffer, settings: TopicSettings, version: Int16, now: Int64
    ) throws(Refusal) -> Accepted {
        guard records.readableBytes > 0 else {
            throw Refusal(.invalidRecord, "A produce request needs exactly one record batch")
        }
        guard let header = RecordBatchHeader(records) else {
            throw Refusal(.corruptMessage, "The record batch is shorter than its front")
        }
        guard header.magic == 2 else {
            throw Refusal(.invalidRecord, "The record batch is not of format version 2")
        }
        guard header.sizeInBytes >= RecordBatchHeader.size, header.sizeInBytes <= records.readableBytes else {
            throw Refusal(.corruptMessage, "The record batch's length does not fit its bytes")
        }
        guard header.sizeInBytes == records.readableBytes else {
            throw Refusal(.invalidRecord, "A produce request needs exactly one record batch")
        }
        guard header.compression <= 4 else {
            throw Refusal(.corruptMessage, "The compression type is unknown")
        }
        if header.compression == 4 && version < 7 {
            throw Refusal(.unsupportedCompressionType, "zstd needs produce version 7 or later")
        }
        if header.sizeInBytes > settings.maxMessageBytes {
            throw Refusal(
                .messageTooLarge,
                "The record batch has \(header.sizeInBytes) bytes; max.message.bytes is "
                    + "\(settings.maxMessageBytes)")
        }
        guard RecordBatchHeader.checksum(of: records) == header.crc else {
            throw Refusal(.corruptMessage, "The record batch's checksum is wrong")
        }
        if header.sizeInBytes > settings.segmentBytes {
            throw Refusal(.recordListTooLarge, "The record batch is larger than a segment")
        }
        try checkFront(header)
        if settings.compacts { try checkKeys(records) }
        return try adjust(Accepted(bytes: records, header: header), settings: settings, now: now)
    }

    private static func checkFront(_ header: RecordBatchHeader) throws(Refusal) {
        guard header.baseOffset == 0 else {
            throw Refusal(.invalidRecord, "The record batch's base offset must be 0")
        }
        guard header.lastOffsetDelta >= 0, header.recordCount > 0,
            Int64(header.lastOffsetDelta) + 1 == Int64(header.recordCount)
        else {
            throw Refusal(.invalidRecord, "The record batch's count and offsets disagree")
        }
        guard !header.isControl else {
            throw Refusal(.invalidRecord, "Clients may not write control records")
        }
        if header.hasProducerID && header.baseSequence < 0 {
            throw Refusal(.invalidRecord, "The producer's sequence number is negative")
        }
    }

    /// Compaction goes by keys: every record needs one.
    private static func checkKeys(_ batch: ByteBuffer) throws(Refusal) {
        let set: [RecordSet.Record]
        do {
            set = try RecordSet(batch).records()
        } catch {
            throw Refusal(.invalidRecord, "The records cannot be read: \(error)")
        }
        let missing = set.indices.filter { set[$0].key == nil }.map(Int32.init)
        guard missing.isEmpty else {
            throw Refusal(
                .invalidRecord, "Compacted topics take no records without a key",
                recordIndexes: missing)
        }
    }

    private static func adjust(_ batch: Accepted, settings: TopicSettings, now: Int64) throws(Refusal) -> Accepted {
        if settings.usesAppendTime { return appendTime(batch, now: now) }
        let header = batch.header
        if header.usesAppendTime {
            throw Refusal(.invalidTimestamp, "Producers may not set the append time")
        }
        try checkTimes(batch, settings: settings, now: now)
        return batch
    }

    /// One record out of bounds rejects the batch.
    ///
    /// Source: Apache Kafka, `LogValidator.validateTimestamp`.
    private static func checkTimes(_ batch: Accepted, settings: TopicSettings, now: Int64) throws(Refusal) {
        let latest = now.addingReportingOverflow(settings.timestampAfterMaxMilliseconds)
        if !latest.overflow && batch.header.maxTimestamp > latest.partialValue {
            throw Refusal(.invalidTimestamp, "The timestamp is too far in the future")
        }
        let earliest = now.subtractingReportingOverflow(settings.timestampBeforeMaxMilliseconds)
        if earliest.overflow || settings.timestampBeforeMaxMilliseconds == .max { return }
        let times: [Int64]
        do {
            times = try RecordSet(batch.bytes).records().map(\.timestamp)
        } catch {
            throw Refusal(.invalidRecord, "The records cannot be read: \(error)")
        }
        let old = times.indices.filter { times[$0] >= 0 && times[$0] < earliest.partialValue }.map(Int32.init)
        guard old.isEmpty else {
            throw Refusal(.invalidTimestamp, "The timestamp is too old", recordIndexes: old)
        }
    }

    private static func appendTime(_ batch: Accepted, now: Int64) -> Accepted {
        var batch = batch
        batch.header.attributes |= 0x08
        batch.header.maxTimestamp = now
        batch.header.write(to: &batch.bytes)
        return batch
    }
}
