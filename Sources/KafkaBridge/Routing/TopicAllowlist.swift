import EventSourcing

/// The topics a consumer may write to: names, with `*` for any number of characters.
package struct TopicAllowlist: Sendable, Hashable {
    package var patterns: [String] { names.map(\.description) }
    private let names: [NamePattern]

    /// Without patterns everything is allowed.
    package init(_ patterns: [String]) { names = patterns.map { NamePattern($0) } }

    package func allows(_ topic: TopicName) -> Bool {
        names.isEmpty || names.contains { $0.matches(topic.description) }
    }
}
