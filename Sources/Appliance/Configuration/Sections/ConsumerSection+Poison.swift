import KafkaBridge

extension ConsumerSection {
    static func onPoison(
        _ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues
    ) -> PoisonPolicy {
        let policy = values.text(path("on_poison"))
        guard policy == "dead_letter_topic" else {
            if values.isGiven(path("dead_letter_topic")) {
                values.problem(path("dead_letter_topic"), .conflict, "needs \"on_poison\" to be dead_letter_topic")
            }
            return policy == "park" ? .park : .halt
        }
        guard let text = values.optionalText(path("dead_letter_topic")) else {
            values.problem(
                path("on_poison"), .deadLetterTopic,
                "is dead_letter_topic, which needs \"dead_letter_topic\" too, the topic's name")
            return .halt
        }
        guard let name = try? TopicName(sanitizing: text), name.description == text else {
            values.problem(
                path("dead_letter_topic"), .deadLetterTopic,
                "is \"\(text)\", which is no topic's name: use letters, digits, `.`, `_` and `-`, at most 249, and no fields"
            )
            return .halt
        }
        return .deadLetterTopic(name)
    }
}
