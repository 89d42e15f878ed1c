import Glibc

/// Runs the closure on a detached thread of its own.
///
/// Signals are blocked in it, so that they reach the threads that expect them.
package func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    let context = unsafe Unmanaged.passRetained(ThreadBody(name: name, run: body))
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { unsafe pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let status = unsafe pthread_create(
        &thread, &attributes,
        { pointer in
            guard let pointer = unsafe pointer else { return nil }
            let body = unsafe Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue()
            nameThisThread(body.name)
            var signals = sigset_t()
            unsafe sigfillset(&signals)
            unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
            body.run()
            return nil
        }, context.toOpaque())
    // The process is out of threads or memory; nothing that was accepted can be carried out any more.
    precondition(status == 0, "cannot start thread \(name): \(unsafe String(cString: strerror(status)))")
}

/// Glibc's `pthread_setname_np` is hidden from Swift; the kernel takes the name as a file too.
private func nameThisThread(_ name: String) {
    guard let file = unsafe fopen("/proc/thread-self/comm", "w") else { return }
    unsafe fputs(String(name.prefix(15)), file)
    unsafe fclose(file)
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}
