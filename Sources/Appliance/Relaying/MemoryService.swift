import Glibc
import Kafka
import ServiceLifecycle

/// Gives memory back to the system when the process has worked and come to rest: while it works, the allocator keeps what
/// one wave of records leaves for the next.
struct MemoryService: Service {
    static let interval: Duration = .seconds(10)

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var watch = RestWatch(used: Self.processorTime, at: .now)
            while true {
                try await Task.sleep(for: Self.interval, tolerance: .seconds(1))
                if watch.look(used: Self.processorTime, at: .now) { Allocator.trim() }
            }
        }
    }

    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
