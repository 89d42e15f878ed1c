/// Records that a producer takes over one by one, without anything being allocated per record on the way.
///
/// The producer keeps the source until the last report of its batch, and until librdkafka has let go of the bytes: a
/// value given by ``RecordWriter/value(retained:)`` is read from the source's own memory while it is sent.
package protocol RecordSource: AnyObject, Sendable {
    var count: Int { get }

    /// Describes the record at `index`. Called once per record, and again for the same record after a full queue.
    func fill(_ index: Int, _ record: inout RecordWriter)
}
