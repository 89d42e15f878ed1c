import Logging
import TestSupport
import Testing

@testable import Consumers

@Suite struct ConcurrentLookTests {
    @Test(.timeLimit(.minutes(5)))
    func `many consumers that look at once are all answered`() async throws {
        try await TestStore.with { test in
            let tracker = HorizonTracker(
                try test.configuration, tables: test.tables, logger: Logger(label: "test"))
            let answered = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<50 { group.addTask { try await tracker.refresh() } }
                return try await group.reduce(into: 0) { count, position in count += position == 0 ? 1 : 0 }
            }
            #expect(answered == 50)
            await tracker.close()
        }
    }
}
