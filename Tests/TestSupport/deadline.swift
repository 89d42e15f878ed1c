/// Fails the test instead of hanging it.
package func deadline<Value: Sendable>(
    _ limit: Duration = .seconds(30), _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlinePassed(limit: limit) }
        return value
    }
}

package struct DeadlinePassed: Error {
    package let limit: Duration
}
