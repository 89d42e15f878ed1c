import Logging

/// Warnings and errors that say the same, but for the numbers in them. A pure value.
struct MessageGroup: Sendable {
    /// The newest of them.
    let newest: RecentMessages.Message
    private(set) var count: Int
    /// When the first of those that are remembered came.
    private(set) var first: String

    /// - Parameter messages: the newest first.
    static func all(_ messages: [RecentMessages.Message], atMost most: Int = 20) -> [MessageGroup] {
        var groups: [MessageGroup] = []
        var places: [String: Int] = [:]
        for message in messages {
            let kind = "\(message.level.rawValue) \(pattern(message.text))"
            if let place = places[kind] {
                groups[place].count += 1
                groups[place].first = message.time
            } else if groups.count < most {
                places[kind] = groups.count
                groups.append(MessageGroup(newest: message, count: 1, first: message.time))
            }
        }
        return groups
    }

    /// The text with each run of digits as one `#`.
    static func pattern(_ text: String) -> String {
        var result = ""
        var wasDigit = false
        for scalar in text.unicodeScalars {
            let isDigit = ("0"..."9").contains(scalar)
            if isDigit {
                if !wasDigit { result += "#" }
            } else {
                result.unicodeScalars.append(scalar)
            }
            wasDigit = isDigit
        }
        return result
    }
}
