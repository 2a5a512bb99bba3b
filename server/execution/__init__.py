"""From a ticket to a protected position, and on until it is closed; exactly one entry, whatever fails.

An intent row (``server.orders``) says where an order stands; every function here takes it one step further by
looking at the row and at the venue, so that each of them bears being cut off anywhere and run again. What
may leave is written down before it leaves. A lost reply is settled by looking, never by sending again under
another name: a client order id is derived from the decision, and a venue takes each one once.

``desk`` holds what all of them share; ``sending``, ``settling``, ``watching``, ``protection`` and ``closing``
are the stages; ``pursuit`` drives one order through them; ``workflow`` is what durable execution carries;
``dispatch`` starts it and waits for the answer; ``guardian`` looks after everything that nobody pursues:
``tending`` positions, ``adopting`` entries, ``unowned`` what no intent answers for; ``view`` is what it sees.
"""
