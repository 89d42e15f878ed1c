import CLibRDKafka

/// The C library's allocator, as a process that produces many records wants it.
package enum Allocator {
    /// Does without the allocator's fast bins, for the whole process.
    ///
    /// Each record's headers are many small blocks, made on one thread and freed on another, which fast bins are slow
    /// at: without them a record costs about a tenth less processor time.
    package static func suitRecords() {
        mallopt(M_MXFAST, 0)
    }
}
