import CLibRDKafka

/// The C library's allocator, as a process that produces many records wants it.
package enum Allocator {
    /// Suits the whole process to records: many small blocks, made on one thread and freed on another, in large waves.
    package static func suitRecords() {
        // Fast bins are slow at blocks that another thread frees: without them a record costs about a tenth less
        // processor time.
        mallopt(M_MXFAST, 0)
        // A few pools for all threads, not one each: what one thread leaves, another one uses. With two, those that make
        // records, those that free them and those that read rows wait for each other.
        mallopt(M_ARENA_MAX, 4)
        // Memory that a wave leaves is kept for the next one, not given back and cleared again each time; so are the
        // buffers of large requests. `trim` gives it back.
        mallopt(M_TRIM_THRESHOLD, 64 << 20)
        mallopt(M_MMAP_THRESHOLD, 4 << 20)
    }

    /// Gives memory that is not in use back to the system. Takes milliseconds: for a process that has nothing to do.
    package static func trim() {
        malloc_trim(0)
    }
}
