#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A thread of its own for a loop that blocks in C, such as serving librdkafka's event queue.
///
/// The body decides when it ends; whoever stops it wakes it by the C library's own means and then joins.
package final class PumpThread: Sendable {
    private let ended = Latch()

    /// Starts the thread. The first 15 bytes of `name` show in `ps -L` and `perf`.
    package init(name: String, body: @escaping @Sendable () -> Void) {
        Self.start(name: name) { [ended] in
            body()
            ended.open()
        }
    }

    /// Blocks the calling thread until the body has returned.
    package func join() { ended.wait() }

    /// Blocks the calling thread until the body has returned or the time is up; true when it has returned.
    package func join(atMost limit: Duration) -> Bool { ended.wait(atMost: limit) }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a detached pthread. A process that may not start threads cannot go on, so that is a precondition.
    package static func start(name: String, body: @escaping @Sendable () -> Void) {
        let argument = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
        let result = unsafe create(argument)
        precondition(result == 0, "the system refuses to start a thread (pthread_create: \(result))")
    }

    private static func create(_ argument: UnsafeMutableRawPointer) -> Int32 {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // The default of 8 MiB of address space per thread is far more than a pump needs.
        unsafe pthread_attr_setstacksize(&attributes, 512 * 1024)
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, &attributes, { unsafe PumpThread.main($0) }, argument)
        unsafe pthread_attr_destroy(&attributes)
        return result
    }

    private static func main(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        setName(start.name)
        start.body()
        return nil
    }

    /// Through `/proc`, because Swift imports neither `pthread_setname_np` nor the variadic `prctl`. A failure is
    /// harmless: the thread keeps the process's name.
    private static func setName(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        var short = String(name.prefix(15))
        _ = short.withUTF8 { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
    }
}
