import NIOCore

/// A fetch that waits for enough bytes, or for its time to be up.
final class FetchWait {
    private let partitions: [Partition]
    private let isSatisfied: () -> Bool
    private var complete: (() -> Void)?
    private var deadline: Scheduled<Void>?

    init(partitions: [Partition], isSatisfied: @escaping () -> Bool, complete: @escaping () -> Void) {
        self.partitions = partitions
        self.isSatisfied = isSatisfied
        self.complete = complete
    }

    func start(on loop: any EventLoop, milliseconds: Int32) {
        for partition in partitions { partition.wait(self) }
        deadline = loop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { self.finish() }
    }

    func lookAgain() {
        if isSatisfied() { finish() }
    }

    /// Answers with what there is; a second call does nothing.
    func finish() {
        guard let complete else { return }
        cancel()
        complete()
    }

    /// Gives up without an answer: the client is gone.
    func cancel() {
        complete = nil
        deadline?.cancel()
        for partition in partitions { partition.stopWaiting(self) }
    }
}
