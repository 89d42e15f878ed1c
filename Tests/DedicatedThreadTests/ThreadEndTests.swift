import DedicatedThread
import FoundationEssentials
import TestSupport
import Testing

@Suite struct ThreadEndTests {
    private actor Worker {
        private nonisolated let executor: DedicatedThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        init(_ name: String) { executor = DedicatedThread(name: name) }

        func work() -> Int { 1 }
    }

    private func threads(named name: String) -> Int {
        let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return ids.count { id in
            (try? Data(contentsOf: URL(filePath: "/proc/self/task/\(id)/comm"))) == Data("\(name)\n".utf8)
        }
    }

    @Test func `the thread ends when its actor is let go, also by its own last job`() async throws {
        let name = "ends-\(UInt16.random(in: 0 ... .max))"
        for _ in 0..<20 {
            let worker = Worker(name)
            #expect(await worker.work() == 1)
        }
        try await eventually("a thread is left") { threads(named: name) == 0 }
    }
}
