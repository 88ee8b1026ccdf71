"""Payment providers of our own, as real servers with a clock that is told to go on.

    with FakeStripe() as stripe:                         # tests.support.providers.fake_stripe
        account = open_provider(...)                     # its address is stripe.url
        page = account.checkout(order)
        payment = stripe.pay(page.object_id)             # or method=DELAYED, then settle(payment)
        refund = stripe.refund(payment, 500, "pending")  # later change_refund(refund, "failed")
        dispute = stripe.dispute(payment)                # later close_dispute(dispute, "won")
        stripe.clock.advance(days=3)
        stripe.hooks.url = "http://127.0.0.1:1234/hooks/stripe"
        stripe.hooks.deliver()                           # signed now, with stripe.secret
        stripe.money()[payment].left                     # the share of it that is left

What people do: `pay` (`amount`, `currency` where it is not what was asked for), `begin`,
`decline`, `settle`, `expire`; `elsewhere`, `retag`, `refund`, `change_refund`; `inquire`,
`dispute`, `escalate`, `reinstate`, `close_dispute`. Amounts are in the provider's own units.
`objects.has_funds = False` leaves refunds pending, `objects.settles_in = ("chf", Fraction(9, 10))`
books in another currency. `restricted_key("read")` may do only that; `faults.add(500)`,
`faults.add("garbage", "/refunds")` spoil the next answer; `faults.add("lost", "/confirm", times=2)`
does what was asked for and loses the answer (a client asks twice).

Saved cards: a page with `consent` keeps the card with which it is paid.

        stripe.cards.of(customer)                        # the newest first
        stripe.cards.outcomes[customer] = NEEDS_OWNER    # or PROCESSING, or "insufficient_funds";
                                                         # of a card, a customer, or "" for all
        stripe.cards.authenticate(payment)               # at the link; or succeeds=False
        stripe.settle(payment)                           # what was PROCESSING; or succeeds=False
        stripe.cards.remove(card)                        # in the dashboard; `delete_customer` too

Webhooks wait in `hooks.waiting` until `hooks.deliver()`; `hooks.lose()` forgets them, `hooks.post`
sends any body with any headers (`signed(body, secrets=[...], age_s=301)`), `hooks.at_once` sends
them by themselves.

`money()` is what the provider's own books say of every payment: what was `paid`, what of it is
`taken` (refunds that did not fall through, disputes whose money did not come back), and the `tag`
that was on it when it was made. Nothing that its API answers is used for it.

    with FakeClickPesa() as clickpesa:                   # tests.support.providers.fake_clickpesa
        payment = clickpesa.pay("a1b2c3")                # a link may be paid again
        clickpesa.fail("a1b2c4")

Its webhooks have their checksum in the body, `new` or `old` as `checksum_way` says. `pay` takes
`amount` and `currency` where they are not what was asked for; `settle(payment)` makes it settled,
`change(payment, "ON-HOLD")` anything else.
"""
