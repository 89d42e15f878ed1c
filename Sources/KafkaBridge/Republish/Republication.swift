import EventSourcing
import Kafka

/// What distinguishes a record that was published again from one of the live flow: two headers, the same in every format, and
/// the time of the record itself, which is that of the republication.
package struct Republication: Sendable, Hashable {
    /// The job's name.
    package static let jobHeader = "godwit_republish_job"
    /// When the event happened, RFC 3339 in UTC with microseconds.
    package static let timeHeader = "godwit_original_time"

    private static let jobName = HeaderName(jobHeader)
    private static let timeName = HeaderName(timeHeader)

    package let job: String

    package init(job: String) { self.job = job }

    func fill(_ event: EventView, _ record: inout some RecordParts & ~Copyable) {
        record.header(Self.jobName, job)
        guard event.hasCreatedAt else { return }
        let time = TimestampText(microseconds: event.createdAtMicroseconds)
        record.header(Self.timeName, time.bytes.span.bytes)
    }
}
