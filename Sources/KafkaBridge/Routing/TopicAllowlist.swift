/// The topics a consumer may write to: names, with `*` for any number of characters.
package struct TopicAllowlist: Sendable, Hashable {
    package let patterns: [String]

    /// Without patterns everything is allowed.
    package init(_ patterns: [String]) { self.patterns = patterns }

    package func allows(_ topic: TopicName) -> Bool {
        patterns.isEmpty || patterns.contains { Self.matches(Array(topic.description.utf8), Array($0.utf8)) }
    }

    /// Linear but for the last `*`, which is the only one that has to be tried again.
    private static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (textIndex, patternIndex) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while textIndex < text.count {
            if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
                star = (patternIndex, textIndex)
                patternIndex += 1
            } else if patternIndex < pattern.count, pattern[patternIndex] == text[textIndex] {
                patternIndex += 1
                textIndex += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                patternIndex = last.pattern + 1
                textIndex = last.text + 1
            } else {
                return false
            }
        }
        return pattern[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
