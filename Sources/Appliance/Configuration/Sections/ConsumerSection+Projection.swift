import EventSourcing
import Kafka
import KafkaBridge

/// What is done to the payload of a consumer's events.
extension ConsumerSection {
    static func projection(
        _ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues
    ) -> ValueProjection? {
        func place(_ step: ProjectionSteps.Step) -> ConfigurationPath {
            ConfigurationPath(path("value").words + [step.rawValue])
        }
        var steps = ProjectionSteps()
        steps.keep = pointers(place(.keep), &values)
        steps.drop = pointers(place(.drop), &values)
        steps.rename = renamed(place(.rename), &values)
        steps.mask = pointers(place(.mask), &values)
        steps.hash = pointers(place(.hash), &values)
        for contradiction in steps.contradictions {
            values.problem(place(contradiction.step), .projection, contradiction.text)
        }
        let keyPath = ConfigurationPath(path("value").words + ["hash_key"])
        let key = values.optionalText(keyPath).map { KeyedHash(key: Array($0.utf8)) }
        if key == nil, !steps.hash.isEmpty {
            if !values.isGiven(keyPath) {
                values.problem(
                    place(.hash), .projection,
                    "needs a key: set \"hash_key_file\" beside it to a file with a text that is hard to guess")
            }
            return nil
        }
        if key != nil, steps.hash.isEmpty {
            values.problem(keyPath, .projection, "is given, and nothing is hashed; set \"hash\", or remove the key")
        }
        guard steps.contradictions.isEmpty, !steps.isEmpty else { return nil }
        return ValueProjection(steps, key: key)
    }

    private static func pointers(
        _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) -> [JSONPointer] {
        var pointers: [JSONPointer] = []
        let texts = values.list(path)
        if texts.isEmpty, case .list = values.content(path) {
            values.problem(path, .projection, "is an empty list, which does nothing: name places, or remove it")
        }
        for text in texts {
            if text.split(separator: "/").contains("*") {
                values.problem(
                    path, .projection,
                    "holds \"\(text)\", and places have no patterns: name each place, or the array as a whole")
                continue
            }
            if let pointer = pointer(text, path, .projection, &values) { pointers.append(pointer) }
        }
        return pointers
    }

    private static func renamed(
        _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) -> [(pointer: JSONPointer, name: String)] {
        guard case .mapping(let members) = values.content(path) else { return [] }
        var renamed: [(pointer: JSONPointer, name: String)] = []
        for member in members {
            guard let pointer = pointer(member.name, path, .projection, at: member.source, &values) else { continue }
            guard case .scalar(let name) = member.content else {
                values.problem(
                    path, .projection, "gives \(member.name) no name: write the new name as one text", at: member.source
                )
                continue
            }
            renamed.append((pointer, name))
        }
        return renamed
    }

    /// A place in a document; `nil`, with a problem, where the text is none.
    static func pointer(
        _ text: String, _ path: ConfigurationPath, _ code: ConfigurationProblem.Code,
        at source: ConfigurationSource? = nil, _ values: inout ConfigurationValues
    ) -> JSONPointer? {
        do throws(JSONPointerError) { return try JSONPointer(text) } catch {
            values.problem(path, code, "holds \"\(text)\", which is no place in JSON: \(error)", at: source)
            return nil
        }
    }

    /// Reports where a part of the record shows what the value conceals.
    func checkRevealed(_ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues) {
        guard let steps = projection?.steps else { return }
        func check(_ places: [EventPlace], _ name: String, _ part: String) {
            for place in places where place.document == .payload {
                guard let step = steps.concealing(place.pointer) else { continue }
                let deed =
                    step == .keep ? "which \"value.keep\" leaves out" : "which \"value.\(step.rawValue)\" conceals"
                values.problem(path(name), .revealed, "takes {\(place)} into \(part), \(deed): readers see it there")
            }
        }
        check(key.template?.places ?? [], "key", "the key")
        check(partition?.places ?? [], "partition", "the choice of the partition")
        switch format {
        case .payload: break
        case .cloudEventsBinary(let events), .cloudEventsStructured(let events):
            check(events.source.places, "cloudevents_source", "the source")
        }
        for header in addedHeaders {
            if case .place(let place) = header.source { check([place], "headers", "the header \(header.name)") }
        }
    }
}
