"""Answers to customers that staff get about an account, and acts that they do for one."""

from typing import Final

from portal.api.activity import lately
from portal.api.customers import charges as customer_charges
from portal.api.customers import keys as customer_keys
from portal.api.customers import payments as customer_payments
from portal.api.customers import usage as customer_usage
from portal.api.customers.account import balance as customer_balance
from portal.api.customers.account import entitled
from portal.api.customers.explained import explained as customer_explained
from portal.api.plans import buying, catalogue
from portal.api.staff.account import act_on, of_account

balance: Final = of_account(customer_balance)
entitlements: Final = of_account(entitled)
usage: Final = of_account(customer_usage.usage)
charges: Final = of_account(customer_charges.charges)
explained: Final = of_account(customer_explained)
payments: Final = of_account(customer_payments.payments)
activity: Final = of_account(lately.activity)
plans: Final = of_account(catalogue.offered)
buy_plan: Final = act_on(buying.buy)
keys: Final = of_account(customer_keys.keys)
make_key: Final = act_on(customer_keys.make)
revoke_key: Final = act_on(customer_keys.revoke)
