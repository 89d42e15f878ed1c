import CoreMetrics
import Glibc

/// The process's memory that is in RAM.
package enum ResidentMemory {
    /// In bytes; `nil` where the kernel does not tell.
    package static var bytes: Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = [UInt8](unsafeUninitializedCapacity: 128) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, buffer.count))
        }
        // "total resident shared …", in pages.
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Notes it as a metric of the task's backend.
    package static func report() {
        if let bytes { Metric.residentMemory.gauge().set(bytes) }
    }
}
