import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct TopicTemplateTests {
    private let fields = RouteFields(
        boundedContext: "Identity", aggregateType: "UserAccount", eventType: "UserRegistered", eventVersion: 2)

    private func render(_ template: String, _ fields: RouteFields? = nil) throws -> String {
        try TopicTemplate(template).render(fields ?? self.fields).description
    }

    @Test func `fields and literal text make a name`() throws {
        #expect(try render("{bounded_context}.{aggregate_type}") == "Identity.UserAccount")
        #expect(try render("identity.{event_type}.v{event_version}") == "identity.UserRegistered.v2")
        #expect(try render("events") == "events")
    }

    @Test func `filters change a field`() throws {
        #expect(try render("{aggregate_type|lower}") == "useraccount")
        #expect(try render("{aggregate_type | upper}") == "USERACCOUNT")
        #expect(try render("{aggregate_type|kebab}") == "user-account")
        #expect(try render("{aggregate_type|kebab|upper}") == "USER-ACCOUNT")
    }

    @Test(arguments: [
        ("OrderLine", "order-line"), ("order_line", "order-line"), ("HTTPRequest", "http-request"),
        ("orderID", "order-id"), ("Order2Line", "order2-line"), ("already-kebab", "already-kebab"), ("A", "a"),
        ("_Leading", "leading"),
    ])
    func `kebab follows the words`(_ input: String, _ expected: String) throws {
        let fields = RouteFields(boundedContext: "C", aggregateType: input, eventType: "E")
        #expect(try render("{aggregate_type|kebab}", fields) == expected)
    }

    @Test func `what is not legal becomes an underscore`() throws {
        let fields = RouteFields(boundedContext: "Crème/Brûlée", aggregateType: "a b\nc", eventType: "E")
        #expect(try render("{bounded_context}.{aggregate_type}", fields) == "Cr_me_Br_l_e.a_b_c")
    }

    @Test func `mistakes are found with their place`() {
        func error(_ text: String) -> TopicTemplateError? {
            do throws(TopicTemplateError) {
                _ = try TopicTemplate(text)
                return nil
            } catch {
                return error
            }
        }
        #expect(error("") == .empty)
        #expect(error("a.{bounded_context") == .unclosed(position: 3))
        #expect(error("a b") == .illegalCharacter(" ", position: 2))
        #expect(error("a}") == .illegalCharacter("}", position: 2))
        #expect(error("{aggregate_id}") == .unknownField("aggregate_id", position: 1))
        #expect(error("x{event_type|snake}") == .unknownFilter("snake", position: 2))
        #expect(error("{}") == .unknownField("", position: 1))
        #expect(error("{aggregate_id}")?.description.contains("{aggregate_type}") == true)
    }

    @Test func `names that Kafka refuses are errors`() throws {
        func error(_ template: String, _ context: String) throws -> TopicNameError? {
            let template = try TopicTemplate(template)
            do throws(TopicNameError) {
                _ = try template.render(RouteFields(boundedContext: context, aggregateType: "A", eventType: "E"))
                return nil
            } catch {
                return error
            }
        }
        #expect(try error("{bounded_context}", ".") == .reserved("."))
        #expect(try error("{bounded_context}", "..") == .reserved(".."))
        #expect(try error("{bounded_context}", "") == .emptyField("bounded_context"))
        #expect(try error("{bounded_context}", String(repeating: "x", count: 250)) == .tooLong(250))
        #expect(try error("{bounded_context}", String(repeating: "x", count: 249)) == nil)
    }

    /// Whatever an event brings, a name is legal or an error.
    @Test func `every rendered name is legal`() throws {
        var random = Seeded(7)
        let template = try TopicTemplate("{bounded_context}.{aggregate_type|kebab}-{event_type|lower}")
        for _ in 0..<5_000 {
            func text() -> String {
                String(
                    String.UnicodeScalarView(
                        (0..<Int.random(in: 0...90, using: &random)).map { _ in
                            Unicode.Scalar(UInt32.random(in: 0...0xd7ff, using: &random)) ?? "x"
                        }))
            }
            let fields = RouteFields(boundedContext: text(), aggregateType: text(), eventType: text())
            guard let name = try? template.render(fields).description else { continue }
            #expect(name.utf8.count <= 249 && !name.isEmpty)
            #expect(name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
        }
    }
}
