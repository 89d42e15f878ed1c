import DedicatedThread
import Glibc
import Testing

@Suite struct DedicatedThreadTests {
    private actor Counter {
        nonisolated let executor = DedicatedThread(name: "counter")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private(set) var threads: Set<UInt> = []
        private(set) var order: [Int] = []

        func add(_ value: Int) {
            threads.insert(UInt(pthread_self()))
            order.append(value)
        }
    }

    @Test func `every job of an actor runs on its one thread`() async {
        let counter = Counter()
        await withTaskGroup(of: Void.self) { group in
            for value in 0..<1000 { group.addTask { await counter.add(value) } }
        }
        #expect(await counter.threads.count == 1)
        #expect(await counter.order.sorted() == Array(0..<1000))
        #expect(await counter.threads.contains(UInt(pthread_self())) == false)
    }

    @Test func `blocking one actor leaves the others running`() async {
        let condition = ThreadCondition()
        let gate = Gate()
        actor Blocker {
            nonisolated let executor = DedicatedThread(name: "blocker")
            nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
            func block(on gate: Gate, _ condition: ThreadCondition) {
                condition.withLock { while !gate.open { condition.wait() } }
            }
        }
        async let blocked: Void = withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 { group.addTask { await Blocker().block(on: gate, condition) } }
        }
        let counter = Counter()
        await counter.add(1)
        #expect(await counter.order == [1])
        condition.withLock { gate.open = true }
        condition.signal()
        await blocked
    }

    @Test func `a wait ends at its deadline when nobody signals`() {
        let condition = ThreadCondition()
        let start = ContinuousClock.now
        let signalled = condition.withLock { condition.wait(until: start.advanced(by: .milliseconds(20))) }
        #expect(signalled == false)
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    /// `@unchecked Sendable`: read and written under the test's condition only.
    private final class Gate: @unchecked Sendable {
        var open = false
    }
}
