extension Listener {
    /// The notifications as they come: `for try await notification in listener.notifications`.
    ///
    /// The sequence ends when the task is cancelled, and throws `connectionLost` when the connection breaks. One task at a time
    /// goes through it.
    public var notifications: Notifications { Notifications(listener: self) }

    /// See ``Listener/notifications``.
    public struct Notifications: AsyncSequence, Sendable {
        fileprivate let listener: Listener

        /// Begins with what comes from now on, and what came unseen.
        public func makeAsyncIterator() -> Iterator { Iterator(listener: listener) }

        /// Waits for one notification after the other.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let listener: Listener
            private var came: ArraySlice<Notification> = []

            fileprivate init(listener: Listener) {
                self.listener = listener
            }

            /// The next notification; `nil` once the task is cancelled.
            public mutating func next() async throws(PostgresError) -> Notification? {
                try await next(isolation: nil)
            }

            /// The next notification; `nil` once the task is cancelled.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(PostgresError) -> Notification? {
                while came.isEmpty {
                    if Task.isCancelled { return nil }
                    do throws(PostgresError) {
                        came = try await listener.next(within: .seconds(3600))[...]
                    } catch {
                        if error.code == .cancelled { return nil }
                        throw error
                    }
                }
                return came.popFirst()
            }
        }
    }
}
