import TestSupport
import Testing

@testable import Consumers

@Suite struct MemoryTests {
    // MARK: The process

    @Test func `memory counts until the last reference to it goes`() {
        let budget = MemoryBudget(limit: 100, released: WakeSignal())
        var first: MemoryBudget.Share? = budget.charge(70)
        let again = first
        var second: MemoryBudget.Share? = budget.charge(50)
        #expect(budget.bytesUsed == 120)
        withExtendedLifetime(second) {}
        second = nil
        #expect(budget.bytesUsed == 70)
        first = nil
        #expect(budget.bytesUsed == 70)
        withExtendedLifetime((first, again)) {}
    }

    @Test func `who finds memory short is woken when some comes free, and nobody else`() async {
        let released = WakeSignal()
        let budget = MemoryBudget(limit: 100, released: released)
        var share: MemoryBudget.Share? = budget.charge(10)
        #expect(!budget.isUsed(beyond: 0.5))
        withExtendedLifetime(share) {}
        share = nil
        #expect(await !released.wait(atMost: .milliseconds(1)), "nobody has asked")
        share = budget.charge(80)
        #expect(budget.isUsed(beyond: 0.75) && !budget.isUsed(beyond: 1))
        withExtendedLifetime(share) {}
        share = nil
        #expect(await released.wait(atMost: .seconds(10)))
        budget.limit = 10
        share = budget.charge(11)
        #expect(budget.isUsed(beyond: 1))
        withExtendedLifetime(share) {}
    }

    @Test func `what many batches share is counted once, until the last batch goes`() throws {
        let budget = MemoryBudget.unbounded
        var rows: LogRows? = try MadeUpEvents.rows([1, 2, 3], memory: budget)
        let size = budget.bytesUsed
        #expect(size > 0)
        var batches = try (0..<3).map { LogBatch(try #require(rows), $0..<$0 + 1, through: 3, isFull: false) }
        rows = nil
        batches.removeLast(2)
        #expect(budget.bytesUsed == size)
        batches.removeAll()
        #expect(budget.bytesUsed == 0)
    }

    // MARK: One consumer

    @Test func `a consumer waits until its next batch fits`() async throws {
        let budget = ByteBudget(limit: 100, process: .unbounded)
        var first: ByteBudget.Share? = try await budget.take(batch: 50, records: 30)
        let second = Task { try await budget.take(batch: 21, records: 0) }
        let fits = try await budget.take(batch: 20, records: 0)
        withExtendedLifetime(first) {}
        first = nil
        _ = try await deadline { try await second.value }
        withExtendedLifetime(fits) {}
    }

    @Test func `what is larger than the budget fits alone`() async throws {
        let budget = ByteBudget(limit: 100, process: .unbounded)
        var large: ByteBudget.Share? = try await budget.take(batch: 500, records: 0)
        let next = Task { try await budget.take(batch: 1, records: 0) }
        withExtendedLifetime(large) {}
        large = nil
        _ = try await deadline { try await next.value }
    }

    @Test func `while the process is short of memory, a consumer has one batch under way at most`() async throws {
        let process = MemoryBudget(limit: 100, released: WakeSignal())
        let others = process.charge(200)
        let budget = ByteBudget(limit: 1_000, process: process)
        var first: ByteBudget.Share? = try await budget.take(batch: 10, records: 7)
        #expect(process.bytesUsed == 207, "the batch is counted already, its records are not")
        let second = Task { try await budget.take(batch: 10, records: 0) }
        try await Task.sleep(for: .milliseconds(1))
        withExtendedLifetime(first) {}
        first = nil
        _ = try await deadline { try await second.value }
        #expect(process.bytesUsed == 200)
        withExtendedLifetime(others) {}
    }

    @Test func `the memory of records comes free before their batch's, by its parts, and is counted once`() async throws
    {
        let process = MemoryBudget(limit: 1_000, released: WakeSignal())
        let budget = ByteBudget(limit: 100, process: process)
        var share: ByteBudget.Share? = try await budget.take(batch: 20, records: 70, events: 7)
        #expect(process.bytesUsed == 70)
        share?.records.release(events: 3)
        #expect(process.bytesUsed == 40)
        let fits = try await deadline { try await budget.take(batch: 40, records: 0) }
        share?.records.release(events: 9)
        share?.records.release(events: 1)
        #expect(process.bytesUsed == 0)
        share = nil
        #expect(process.bytesUsed == 0)
        withExtendedLifetime(fits) {}
        // All of it is free again, and no more than that.
        let all = try await deadline { try await budget.take(batch: 60, records: 0) }
        let beyond = Task { try await budget.take(batch: 1, records: 0) }
        try await Task.sleep(for: .milliseconds(1))
        beyond.cancel()
        await #expect(throws: CancellationError.self) { try await deadline { _ = try await beyond.value } }
        withExtendedLifetime(all) {}
    }

    @Test func `records that are sent again count again, whether they fit or not`() async throws {
        let process = MemoryBudget(limit: 1_000, released: WakeSignal())
        let budget = ByteBudget(limit: 100, process: process)
        var share: ByteBudget.Share? = try await budget.take(batch: 20, records: 70, events: 7)
        share?.records.release(events: 4)
        var other: ByteBudget.Share? = try await budget.take(batch: 50, records: 0)
        share?.records.restore(events: 3)
        #expect(process.bytesUsed == 60)
        // No more than was given back.
        share?.records.restore(events: 9)
        #expect(process.bytesUsed == 70)
        share?.records.release(events: 7)
        #expect(process.bytesUsed == 0)
        share?.records.restore(events: 7)
        let beyond = Task { try await budget.take(batch: 20, records: 0) }
        try await Task.sleep(for: .milliseconds(1))
        withExtendedLifetime(other) {}
        other = nil
        try await Task.sleep(for: .milliseconds(1))
        beyond.cancel()
        await #expect(throws: CancellationError.self) { try await deadline { _ = try await beyond.value } }
        withExtendedLifetime(share) {}
        share = nil
        #expect(process.bytesUsed == 0)
        let all = try await deadline { try await budget.take(batch: 100, records: 0) }
        withExtendedLifetime(all) {}
    }

    @Test func `a cancelled wait takes nothing`() async throws {
        let process = MemoryBudget.unbounded
        let budget = ByteBudget(limit: 10, process: process)
        var first: ByteBudget.Share? = try await budget.take(batch: 0, records: 10)
        let waiting = Task { try await budget.take(batch: 0, records: 1) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await deadline { _ = try await waiting.value } }
        withExtendedLifetime(first) {}
        first = nil
        #expect(process.bytesUsed == 0)
        _ = try await deadline { try await budget.take(batch: 0, records: 10) }
    }
}
