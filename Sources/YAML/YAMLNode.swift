/// A part of a YAML text.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        /// - Parameter isPlain: without quotes, so that it may mean something else than text.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    package let content: Content
    /// Where it begins, counted from 1.
    package let line: Int
    package let column: Int

    /// A scalar's text.
    package var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}

/// What is wrong with a YAML text, and where.
package struct YAMLProblem: Error, Sendable, Equatable {
    /// Counted from 1.
    package let line: Int
    package var column = 1
    package let reason: String
}
