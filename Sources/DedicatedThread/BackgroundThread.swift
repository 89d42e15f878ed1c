import Glibc

/// A thread for tasks that stand back for all others: what runs with it as its task executor, and the threads that are started
/// by that, get the processor where nothing of more importance wants it.
package final class BackgroundThread: TaskExecutor {
    private let queue: JobQueue<BackgroundThread>

    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; the kernel keeps the first 15 bytes.
    ///   - niceness: how much it gives way to other threads, 1 to 19.
    package init(name: String, niceness: Int32) {
        let queue = JobQueue<BackgroundThread>()
        self.queue = queue
        startThread(name: name) {
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
            while let entry = queue.next() {
                unsafe entry.job.runSynchronously(on: entry.executor.asUnownedTaskExecutor())
            }
        }
    }

    deinit {
        queue.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        queue.append(JobQueue.Entry(job: UnownedJob(job), executor: self))
    }
}
