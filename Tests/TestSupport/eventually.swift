package import Testing

/// Asks again until the condition holds, for what lives in another process and notifies no one of its changes.
///
/// The deadline is far beyond what a loaded machine needs: it only keeps a broken test from hanging.
package func eventually(
    _ what: Comment, within time: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: time)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, what, sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(5))
    }
}
