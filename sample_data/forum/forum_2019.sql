/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: forum_2019
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `posts`
--

DROP TABLE IF EXISTS `posts`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `posts` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `thread_id` int(10) unsigned NOT NULL,
  `user_id` int(10) unsigned NOT NULL,
  `reply_to` int(10) unsigned DEFAULT NULL COMMENT 'NULL: the question',
  `created` datetime NOT NULL,
  `score` smallint(6) NOT NULL DEFAULT 0,
  `accepted` tinyint(1) NOT NULL DEFAULT 0,
  `body` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `thread_id` (`thread_id`),
  KEY `posts_user` (`user_id`),
  KEY `posts_reply` (`reply_to`),
  CONSTRAINT `posts_reply` FOREIGN KEY (`reply_to`) REFERENCES `posts` (`id`),
  CONSTRAINT `posts_thread` FOREIGN KEY (`thread_id`) REFERENCES `threads` (`id`),
  CONSTRAINT `posts_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=1193 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `posts`
--

LOCK TABLES `posts` WRITE;
/*!40000 ALTER TABLE `posts` DISABLE KEYS */;
INSERT INTO `posts` VALUES
(1001,101,17,NULL,'2015-03-14 08:12:08',4,0,'I put a double row of Ferryman\'s pea in the shell sand behind the net shed on 1 March, exactly as the packet says. It is now the fourteenth and there is not one green nose. The soil thermometer read 5 °C this morning. Do I dig, wait, or sow again?'),
(1002,101,26,1001,'2015-03-14 13:23:54',7,1,'Wait. The figure of 11 days belongs to soil at 7 °C, and yours is two degrees short of that. In my own notes a row at 5 °C took 19 days and a row at 4 °C took 23, and both came up evenly in the end. Scrape back one hand\'s width of soil at the end of the row and look at three peas: if they are fat, pale and firm they are only slow; if they are grey and smell of cheese they have rotted. Lay a strip of old window glass over the row, 10 cm above the soil, and you will gain about 2 degrees by day.'),
(1003,101,9,1002,'2015-03-15 13:38:48',2,0,'Glass works, but prop it on stones so the mice meet a draught. I lost half a row in 2013 because I laid the panes flat, and the mice treated it as a heated dining room. Two bricks under each long edge are enough, and take the whole lot off on any day above 12 degrees.'),
(1004,101,31,1001,'2015-03-17 05:51:16',3,0,'Next year warm the ground first. I lay a black sheet over the row on 10 February and weigh it down with stones. By the first of March my thermometer reads 7.5 at finger depth under the sheet and 5.5 beside it, measured at nine in the morning in three years running. Cut a slit along the string and sow through it, then pull the sheet off when the first hooks show. The sheet also keeps the winter rain away, and wet does more damage to a pea than cold. It is an old silage sheet, of which every farm has too much.'),
(1005,102,2,NULL,'2015-04-02 17:40:07',3,0,'Stroan\'s Long takes so long to come up that chickweed has covered the drill before I know where the carrots are. Last year I hoed off a whole metre of seedlings. Is there a trick, apart from string?'),
(1006,102,40,1005,'2015-04-02 20:46:48',9,1,'Sow a marker crop in the same drill. Mix one part Brackwell Black radish seed into ten parts carrot seed by volume. The radish is up in five days and draws the line for you, whereas the carrot wants 17 days at 10 °C. Hoe to within 3 cm on both sides as soon as you see the radish leaves. Pull the radishes while they are the size of a marble, around day 30; they are never meant to reach the 55 days they\'d need for lifting, because by then they would be shading the carrots. One packet of each does 20 metres.'),
(1007,102,22,1005,'2015-04-03 13:43:30',1,0,'I burn the weeds off instead. Prepare the bed ten days early, water it, let the chickweed sprout, and pass a gas flame over it on the morning of day 14, before the carrots break the surface. It costs me one small canister per season. You must not linger: half a second per spot, just enough to dull the green. Mind the wind, and keep a full watering can beside you.'),
(1008,102,17,1006,'2015-04-04 21:56:24',2,0,'One warning about the mix of radish and carrot: the radish seed is round and heavy and rolls to the bottom of the bag, so that the first metre is all carrot and the last one all radish. I mix it with a cup of dry sand, damp it with a spoonful of water and stir with a fork before each metre. Since then the marks are evenly spaced, about one radish every 8 cm, which is as many as anyone wants to eat standing up in a field in May.'),
(1009,103,35,NULL,'2015-05-23 19:05:50',6,0,'On the noticeboard it says the vents of Birch open at 26 °C and close at 22. Why not simply one number, say 24? My little lean-to has a single thermostat and I thought simpler was better.'),
(1010,103,38,1009,'2015-05-23 20:53:06',14,1,'Because one number makes the motors chatter. With a single set point of 24 the vents open, a gust drops the air by half a degree, they shut, the sun lifts it again, and so on every two minutes until a gearbox gives up. The gap of four degrees between opening and closing means each movement is a decision. Before we widened the gap, Birch moved its vents 130 times on a bright day in April; now it is 9 or 10. For a lean-to, three degrees of gap is plenty, because a small volume of air changes faster but your vent is smaller too.'),
(1011,103,30,1010,'2015-05-24 21:11:01',3,0,'Engineers call this hysteresis, if you want a word to search for. The cheap fridge thermostats have it built in: mine is sold as \"24 degrees ± 1.5\", and that \"± 1.5\" is exactly the gap Ilsabet describes. Look at the back of yours before you buy another.'),
(1012,104,4,NULL,'2015-06-18 21:17:57',2,0,'I keep tomatoes in a polytunnel and copied the yellow cards from the glasshouses. This week my cards show 3, 0, 14, 2, 1 and 5. Is that \"more than 10\" or not? And how long may a card hang before it is worthless?'),
(1013,104,38,1012,'2015-06-19 08:45:24',10,1,'One card above ten is enough. The rule is about any single card in a week, not the mean, since whitefly arrive in one corner and a mean hides them until they are everywhere. Your 14 is the warning, the other five cards tell you where they aren\'t. Order the parasitic wasps now and hang the first release within 2 metres of that card. Change all six cards on the same weekday: after seven days dust and pollen make the counts dishonest. Write the number in pencil on the back with the date, and keep the backs for the season, because the slope matters more than any figure.'),
(1014,104,12,1013,'2015-06-20 08:19:38',4,0,'Hang them at the height of the growing tip and raise them as the crop grows. Mine stayed at knee height one summer and I proudly counted zero for three weeks under a ceiling of whitefly. Also take the cards down for 48 hours around a wasp release, or you will catch the very insects you paid for.'),
(1015,104,45,1012,'2015-06-21 09:40:49',2,0,'Before you order anything, look at what\'s on the card through a magnifying glass. At least half of what I called whitefly in my first summer were fungus gnats, which are dark and have long legs, and come from wet compost. Whitefly are like tiny flakes of soap, and sit with their wings as a roof. Tap a leaf: if a puff of white goes up and settles on the underside again, you have got them. Gnats run. For gnats the cure is a dry week and a centimetre of sand on the pots, and it costs nothing.'),
(1016,105,1,NULL,'2015-07-01 09:30:00',8,0,'Yesterday was 30 June and our bean won the race. It is a Netmender\'s Bean and it was 2 metres and 71 centimetres. Mr Fairbrass-Oake measured it twice with the tape from the boat shed. Our question is: the packet says it climbs to 2.3 metres, so why did ours not read the packet?'),
(1017,105,28,1016,'2015-07-01 15:49:28',17,1,'Congratulations, all of you! 🎉 The 2.3 metres on the packet is what the plant usually does in the open field, where the wind pinches out the tip. Yours grew against the south wall of the school, which gives back warmth at night, and on a string rather than a pole, so it never had to stop and find the next hold. You also started it indoors at 16 °C, so it was up after 10 days and had a head start. Please save the seed from that very plant in a separate packet. If its children are tall as well, against an ordinary wall, we will have learned something; if they aren\'t, it was the wall.'),
(1018,105,7,1016,'2015-07-01 18:22:46',5,0,'For the record book: bed 22, sown indoors on 14 April, planted out on 11 May, measured at 09:10 from the soil to the highest living tip, with the string pulled straight but not stretched. Two witnesses signed. The runner-up reached 2.44 metres, so it wasn\'t close, and third place was a tie at 2.31.'),
(1019,106,14,NULL,'2015-09-21 18:02:51',5,0,'I am new and my English is from books, sorry. For \"Quoy Red\" the leaflet says to ferment the seed. My wife says: not in the house! How many days is really necessary, and can I simply wash the seeds in a sieve?'),
(1020,106,45,1019,'2015-09-21 20:51:37',11,1,'Willkommen! Washing alone leaves the clear jelly on each seed, and that jelly both stops germination and carries disease. Three days at 21 °C is what the cooperative does, and it is enough: at 15 °C it takes five or six, at 28 °C the seeds may sprout in the jar. Fill a jam jar one third with pulp, add the same volume of water, cover it with a cloth and stand it in the shed beside the water heater. Stir twice a day. When a white skin forms and the good seeds lie at the bottom, fill up with water, pour off everything that floats, and repeat until it runs clear. Dry on a plate, never on paper, because they glue themselves down.'),
(1021,106,24,1019,'2015-09-22 08:43:57',3,0,'For the smell: a lid with one pinhole and a strip of charcoal cloth under the ring. My jar stood on the kitchen sill for three days and nobody noticed, apart from some fruit flies who wrote a complaint. 😄 One fruit of about 90 grams gives me roughly 80 seeds, so four good fruits from four plants are plenty.'),
(1022,106,4,1019,'2015-09-23 13:57:01',4,0,'One more thing that nobody told me: use fruits from at least four different plants and only from the second and third truss. The first truss in our climate often contains few seeds, since in May there\'s hardly an insect in the house. I weigh the result every year: second truss 0.31 g per fruit, first truss 0.12 g. And let the fruits lie for one week on the window sill after picking, until they are soft and nearly too ripe. The seed goes on filling for as long as the fruit is still alive around it.'),
(1023,107,3,NULL,'2015-10-09 12:44:01',3,0,'I made the Netmender\'s stew at home with 400 g of dried beans from my own crop, soaked them overnight, cooked them for two hours, and they rattled in the bowl. At the harbour they\'re always like butter. What did I do wrong? Our well water leaves a white crust in the kettle, if that matters.'),
(1024,107,23,1023,'2015-10-09 16:20:41',12,1,'Two suspects. First, \"overnight\" is not long enough: I soak for 14 hours, so they go in at six in the evening for a stew begun at eight the next morning. Second, that crust is lime, and lime sets the skins like mortar. Soak and cook in rainwater, or put half a level teaspoon of baking soda into the soaking water for 400 grams and rinse well. Never salt the soaking water and keep the tomato out of the pot until a bean crushes between your tongue and the roof of your mouth. Beans older than three years may never soften; use those for weights.'),
(1025,107,33,1023,'2015-10-10 16:53:00',1,0,'I cooked mine on the peat range and had the same trouble until I stopped letting it go off the boil. A proper rolling boil for the first ten minutes is needed for safety with any kidney-type bean anyway. After that the faintest tremble will do, lid on, about an hour and a quarter.'),
(1026,108,5,NULL,'2015-11-03 10:10:56',4,0,'On tours I am always asked why beans spend six weeks in the drying cabinet and grain only four. I say \"because they are bigger\" and I can see it doesn\'t satisfy anybody. Could the seed keeper give me an answer which fits into half a minute?'),
(1027,108,28,1026,'2015-11-03 15:09:43',13,1,'Try this. \"Water leaves a seed through its skin, so what matters is how much skin there is for how much seed. An oat grain is about 3 millimetres thick; no part of it is further than 1.5 mm from the air. A bean is 8 mm thick and has a waxy coat with one small door, the hilum. So oats reach 5 percent moisture in 28 days and beans need 42, in the same cabinet, at 15 °C and 15 percent relative humidity. We could hurry by warming them, but a hurried bean cracks, and a cracked bean dies in the freezer.\" With a bean and an oat in your open palm it takes 28 seconds; I timed it.'),
(1028,108,21,1027,'2015-11-05 01:58:27',2,0,'As a visitor I can report that the palm trick worked on me in August. You might add the number of trays: when I heard that the Aldermoor has forty of them, and that each bean tray is blocked for 42 days, I understood why my return from the autumn was not \"in the vault\" by Christmas.'),
(1029,109,31,NULL,'2015-12-12 14:25:46',3,0,'After the last blow there is knee-deep wrack on the beach at Quoy Haven and I have a barrow and a free weekend. Everybody tells me to stack it first. What is the harm in digging it in fresh, now, in December?'),
(1030,109,19,1029,'2015-12-12 20:01:33',8,1,'Salt and slime. A fresh barrow of bladder wrack brings about 2 kilos of salt with it, mostly in the film of sea water, and the east shore is alkaline already at pH 7.8, so you\'d be adding to two problems at once. Stack it on a slope no higher than 1 metre and let the rain run through it for 60 days; that is the rule on Long Rig and I have checked it with a conductivity pen: the runoff falls below a tenth of the first day\'s reading after eight weeks. Gathering is open October to February, so wrack stacked now is ready by 10 February, just ahead of the potatoes.'),
(1031,109,47,1029,'2015-12-14 17:14:48',2,0,'My grandfather dug it in fresh every winter on the mainland side and grew huge mangolds, but mangolds are a shore plant. On the same ground his beans were yellow to the knee. I think it depends on who is coming to dinner. For asparagus and beet I wouldn\'t bother stacking; for beans, onions and anything in a seed drill I certainly would.'),
(1032,110,37,NULL,'2016-01-20 11:11:28',1,0,'I live in Tarn Ebb and have 1.4 kg of Gale Oat and 300 g of kale seed to give back. Must I buy a foot ticket and carry it, or can I hand it in at the quay? The shop\'s postage list says 1 tern and 15 fins up to 250 grams, so posting seven packets would ruin me.'),
(1033,110,10,1032,'2016-01-20 20:17:35',15,1,'Hand it in, no ticket needed. Seed parcels under 2 kilograms travel free on the Morna Skye, and yours together are 1.7. Bring it to the ferry office at least 10 minutes before sailing, as a foot passenger would; in winter that means before 09:05 or 16:20 on weekdays. Write \"SEED RETURN – HARBOUR STORE\" on the top, your membership number under it, and close it with string, not tape, since the seed keeper\'s people like to reopen parcels without a knife. Paper or cloth only inside: plastic bags sweat. No soil, not even a crumb on a root, or it goes to quarantine and you\'ll get a letter.'),
(1034,110,6,1033,'2016-01-21 00:00:22',3,0,'And from our side: the shop empties the parcel locker each day that we are open, so nothing sits there longer than from Sunday evening to Tuesday morning. You get a receipt slip by post. If it hasn\'t come within two weeks, ask, since twice in ten years a parcel has gone round with the fish boxes.'),
(1035,110,21,1032,'2016-01-22 23:00:43',1,0,'I send mine over as a bundle with three neighbours in our street, and the four of us take turns in walking to the quay. Together we stay under 2 kilos, if nobody returns beans. With beans it\'s two parcels on two days. We put a list on top, with one line per packet: variety, year, weight in grams, who from. The lady in the shop wrote to us that the list saves her twenty minutes, and added four gingerbread hearts to the receipts, so lists seem to pay.'),
(1036,111,35,NULL,'2016-02-25 13:37:14',3,0,'I sowed two hundred seeds of Gannet celery 1 cm deep at 19 °C on 28 January. Four weeks later there is not a single seedling. The seed is from the active store and was tested last year, so it cannot be dead. What now?'),
(1037,111,38,1036,'2016-02-25 18:00:29',11,1,'You buried them. Gannet celery needs light on the seed, and at a depth of 1 cm there is none at all. Sieve the top of the tray into a bowl, spread it in a new tray in a layer no thicker than a coin, water from below and stand it on the bench at the same 19 °C. Some of the seeds will have rotted but I\'d expect a good third. Count 20 days from the re-sowing. Next time, firm the mix, water it, scatter the seed on top, press it with a flat board so that it touches, and cover with glass, not with soil. You still have time: anything pricked out by mid April makes a full head by October.'),
(1038,111,12,1036,'2016-02-27 05:13:26',3,0,'The same holds for a few others, so here\'s my list of what isn\'t covered with soil: celery, lettuce (a dusting at most), marigold only thinly, and all that\'s finer than a pinch of salt. As against this beans, peas, beet, radish want to be in the dark at twice their own thickness. For anything I don\'t know I sow one half of the tray covered and the other half open, with a stick in the middle. After a month you know, and have lost only half a tray in finding out.'),
(1039,111,35,1037,'2016-03-21 13:30:59',5,0,'Report: 71 seedlings from the sieved layer, first one on day 18. I would never have believed it. The tray label now reads \"DO NOT TUCK THEM IN\" in red letters.'),
(1040,112,41,NULL,'2016-03-30 09:09:53',2,0,'The corky shell of Saltmother sea kale defeats me. Pliers turn half of the seeds into flour, and the uncracked ones sat in my pot for a whole year. Is there a gentle method for about a hundred?'),
(1041,112,11,1040,'2016-03-30 17:19:59',10,1,'Use a rolling pin and two strips of wood. Measure a few shells: mine are 9 to 10 mm across, with the seed inside about 5 mm. Lay two strips 7 mm thick along the sides of a board, put the shells between them and roll. The pin rides on the strips, so the shell splits but nothing can be pressed below 7 mm. Sort by hand: of one hundred I get some 85 whole seeds in ten minutes. Soak them overnight, sow 2 cm deep at 14 °C and be patient: it is 31 days from then, and not one less in my pots.'),
(1042,112,17,1040,'2016-03-31 18:25:06',2,0,'My way has no tools in it: I leave the shells on the tide line in a net bag from November to February. Sand and pebbles do the cracking and the salt does no harm to a plant which lives there anyway. Around six in ten come up in April. Tie the bag to something heavier than you think it needs, as I lost the 2014 bag to a seal.'),
(1043,113,18,NULL,'2016-05-20 20:41:11',5,0,'I installed the library which Yorick released on the second of May and would like to print the soil temperature in Alder. I wrote `print(Greenhouse.read(\"soil\"))` and got a TypeError about a missing argument. What is the smallest script that works?'),
(1044,113,16,1043,'2016-05-20 21:56:46',16,1,'You called the method on the class instead of on an opened house. Create the object first, with the name of the house, then read:\n\n```python\nfrom glasshouse import Greenhouse\n\nalder = Greenhouse(\"Alder\")\nr = alder.read(\"soil\")\nprint(f\"{r.value:.1f} {r.unit} at {r.taken_at}\")\n```\n\n`read` returns a Reading with three fields: `value`, `unit` and `taken_at`. The sensor names are \"air\", \"soil\", \"light\", \"humidity\" and \"wind\"; they are lower case and so is nothing else. If you misspell the house you get an `UnknownHouseError` at once, before the bus is touched, so it\'s safe to experiment from the sofa.'),
(1045,113,15,1044,'2016-05-22 02:34:07',2,0,'Worth adding: run it on a machine that sits on the bus, or it can only raise errors. I spent one evening wondering why my laptop in the village could not see Alder. The controllers are on a two-wire cable, not on the network, and my laptop has no two wires.'),
(1046,113,1,1043,'2016-05-23 04:03:21',5,0,'If you do not have a bus you can still practise! We use `glasshouse.simulate(3, 7)`, that is three days with the seed 7, and it gives a list of Reading objects with the same three fields, so that your printing line works for them too:\n\n```python\nfor r in glasshouse.simulate(3, 7)[:10]:\n    print(r.value, r.unit, r.taken_at)\n```\n\nMr Fairbrass-Oake says \"ten lines first, then the other thousand\". We forgot the `[:10]` the first time and the classroom computer was printing right through the break.'),
(1047,114,34,NULL,'2016-05-28 18:18:57',1,0,'My Winter Candle seedlings are as thick as a knitting needle and about 12 cm tall. They have been in the seed bed since the end of March. The neighbour plants his out already. Shall I follow him or wait?'),
(1048,114,26,1047,'2016-05-28 22:39:45',7,1,'Wait till they are 20 cm. At 12 cm a leek dropped into a dibber hole disappears, and the first heavy rain washes the hole full over the growing point. From your height it takes another three weeks or so in June. Then water the seed bed the evening before, loosen with a fork, trim nothing, and make holes 15 cm deep and 20 cm apart. Drop one in each, fill the hole with water and not with soil. The soil comes by itself, and the white part of the stem grows as long as the hole was deep. Rows at 35 cm leave space for a hoe.'),
(1049,114,9,1048,'2016-05-29 10:25:59',0,0,'Agreed except for the trimming. I shorten the roots to 3 cm, purely because otherwise they curl back up the hole and the plant sits crooked. In a trial of two rows of thirty the trimmed row was upright and the untrimmed row leaned; the weights in February were the same within 5 percent.'),
(1050,115,39,NULL,'2016-07-04 16:00:27',2,0,'My water butt is filled from a ditch that the spring tide reaches twice a month. How can I tell whether the water is still fit for lettuces? I have no instruments apart from a kitchen scale.'),
(1051,115,44,1050,'2016-07-04 23:07:53',9,1,'A kitchen scale is an instrument. Weigh out one litre of the water in a clean pan, boil it gently until nothing is left but a crust, and weigh again. Irrigation water must stay below 0.4 grams of salt per litre, and no kitchen scale sees that, so boil down 10 litres, one after another in the same pan: above 4 grams of crust, keep it off the lettuce. Tidewrack beet is the only thing on this island that accepts more, up to 3 grams per litre, so a doubtful butt needn\'t be emptied, it need only be walked to the beet. Take the sample two days after the spring tide, that is the worst moment.'),
(1052,115,22,1050,'2016-07-05 11:17:12',1,0,'Or taste it: most people notice salt in water at about 1 gram a litre. If you can taste it at all it is already more than double the limit, so it\'s a good test for \"certainly not\" but useless for \"certainly fine\". I spit it out, naturally; it\'s a ditch.'),
(1053,115,17,1050,'2016-07-05 21:54:18',2,0,'A cheap conductivity pen has paid for itself with me. It shows millisiemens; for sea salt multiply by about 0.55 to get grams per litre, so that the limit of 0.4 is near 0.73 on the display. Check it against a known brine once a year: 1 gram of kitchen salt in a litre of rain water should read around 1.9 at 20 °C. My ditch goes from 0.4 in the morning after rain up to 9 after a spring tide with a westerly, and within three days back below one. I note it on the lid.'),
(1054,116,3,NULL,'2016-07-21 12:50:37',2,0,'Three sowings of Seven Point in my glass porch, all failed. In April the same packet came up in four days! It\'s a south porch and at noon I have 29 degrees in there. Has the seed gone off so quickly?'),
(1055,116,45,1054,'2016-07-21 14:56:54',8,1,'The seed is sleeping, not dead. Seven Point fails above 26 degrees: it goes into a heat sleep that can last weeks even after it cools. Sow in the evening, since the first night decides, and keep the tray in the coolest place you have for the first two days. A stone floor on the north side is ideal. Near 10 °C it needs four days, at 18 about the same, and after that the seedlings may move into the porch with a sheet of newspaper as shade. As for the three failed trays, put them into the fridge for two nights, then on the stone floor. Mine recovered to about 60 out of 100 that way.'),
(1056,117,19,NULL,'2016-08-14 10:20:32',5,0,'A neighbour at the north end let his shop kale bolt and it is in flower. My Merrin Blue for seed stands about 300 m away, also in flower. Is my seed lost? There is a stone wall and the byre between us.'),
(1057,117,28,1056,'2016-08-14 20:20:37',14,1,'Walls do not count; bees go over. The isolation distance for kale seed is 500 metres and we accept no return from under that, because one crossed lot spoils the name of all the others. You have three choices. Ask the neighbour to cut his down today and strip every flower that has opened on yours; whatever opens from tomorrow is clean, and there are six weeks of flowering left. Or cage ten plants under fine net and brush them by hand at noon each day. Or eat the pods, and borrow again next spring at no cost. The first is the best when the neighbour likes kale flower buds with butter, which most do.'),
(1058,117,25,1057,'2016-08-15 11:49:02',7,0,'For scale: my hives at the north end forage up to 3 kilometres when the heather is late, though nine visits in ten are within 600 metres. So 500 metres isn\'t a wall, it\'s a bargain with probability. The seed keeper knows that, which is why he grows the mother plants on the far side of Gannet Law.'),
(1059,117,26,1056,'2016-08-16 12:25:15',3,0,'For caging: I use four canes, 1.8 m long, and a net with a mesh of one millimetre, dug in all round. A brush made of rabbit fur is best. Go from plant to plant, and never brush a flower with the pollen of its own plant, because kale refuses itself. Ten plants need about fifteen minutes a day, for three weeks. From that I harvested 140 g of seed, which is enough for a lifetime, or for 280 packets at half a gram. Less than six plants I wouldn\'t do, the line gets weak after some generations.'),
(1060,118,18,NULL,'2016-09-07 07:55:47',3,0,'My logger dies at about 07:00 each day with `StaleReadingError: air is 97 s old`. During the night there\'s never a problem. I poll all five sensors every 30 seconds. Is the sensor broken, or is it me?'),
(1061,118,16,1060,'2016-09-07 11:21:25',12,1,'Neither; it is the misting. At 07:00 the mist program starts in Alder, and while the valve is moving the controller puts sensor polling at the back of the queue. A reading older than 90 seconds raises the error, so you are only 7 seconds over. Catch it and try again instead of dying:\n\n```python\ntry:\n    air = alder.read(\"air\")\nexcept StaleReadingError:\n    continue   # next poll comes in 30 s\n```\n\nDon\'t raise the limit. It exists because a frozen sensor once told us for three hours that Birch was a pleasant 21 degrees while it was 34. If you get more than four stale readings in a row, sound an alarm of level \"warn\" and go and look.'),
(1062,118,32,1060,'2016-09-08 05:56:42',4,0,'Same symptom here with a different cause: a corroded screw on the terminal of the humidity probe. It answered every third poll or so. If yours is not tied to the clock, take the cover off, undo both wires, scrape them bright with a knife and put them back. It took me six minutes, and I\'d lost six weeks to software before that.'),
(1063,118,30,1061,'2016-09-08 23:41:23',3,0,'To add to \"go and look\": I made a small table of the age of each reading over one week, with 10,080 rows per sensor. The median age was 14 seconds, 99 in 100 were below 33, and the eleven worst all fell in the minute after a mist start. So 90 seconds is really generous. If you\'re above that more than twice a day and it is not misting, then something is wrong with the cable, and no `try` in the world will mend a cable.'),
(1064,119,40,NULL,'2016-10-02 15:15:35',1,0,'I want to fill a 60 litre bin with the same mix the glasshouses use, but the sack only says \"leaf mould, shell sand, compost\". What are the proportions, and do you measure them heaped or level?'),
(1065,119,38,1064,'2016-10-02 21:34:49',9,1,'Three parts leaf mould, two parts shell sand, one part sieved compost. For 60 litres that makes 30, 20 and 10. Measure level and loose, with the same bucket for all three, and count one bucket more of leaf mould if it is fluffy from this year, because it will settle by a tenth. Sieve the compost through a mesh of 6 millimetres and the leaf mould through 10. Wash the sand if you dig it yourself from the beach: three changes of rain water. The sacks in the shop are 40 litres and cost 7 terns, so your bin is worth 10 terns and 10 fins, for one hour\'s work.'),
(1066,119,39,1064,'2016-10-05 03:33:47',2,0,'Mind that shell sand is chalk. For anything that hates lime I swap it for the grey grit from the quarry road, same volume. My blueberries in the standard mix turned the colour of custard within one summer, and they came back as soon as the sand was gone.'),
(1067,119,45,1064,'2016-10-05 23:13:05',1,0,'If the mix is for seeds and not for cuttings, steam the compost part beforehand. I do it in an old preserving pot with a rack: 3 cm of water below, compost in a linen bag, lid on, and thirty minutes from when a potato in the middle is cooked. The potato is the thermometer and supper too. Unsteamed, I counted 61 weed seedlings in a tray of 24 cells; steamed, four. Leaf mould and washed shell sand don\'t need it, they bring almost nothing with them.'),
(1068,120,30,NULL,'2016-11-15 22:30:28',6,0,'I\'m listening on the bus with a cheap serial adapter at 19,200 baud. The bytes look sensible, the last byte of each frame should be the checksum, but my sum modulo 256 is wrong in about half of the frames. What do I misunderstand?'),
(1069,120,16,1068,'2016-11-16 00:47:32',18,1,'The modulus. It is 251, a prime, not 256. Sum all bytes of the frame except the last, take the remainder by 251 and compare:\n\n```python\ndef frame_ok(frame: bytes) -> bool:\n    *body, check = frame\n    return sum(body) % 251 == check\n```\n\nExample: a frame from Birch starting with address 12, then 3, 200, 141 sums to 356; 356 - 251 = 105, so the last byte must be 105. With 256 you would have expected 100. Frames whose sum is below 251 agree under both rules, which is why half of yours looked right. A checksum byte of 251 to 255 can never be valid, and that is a handy first filter for line noise.'),
(1070,120,1,1069,'2016-11-17 18:11:49',6,0,'We did this in school on paper with numbers in hats! Each pupil was a byte, and the last one had to be the remainder. Ewan was 251 by mistake and was thrown out of the frame. 😂 It took us 20 minutes for a frame of nine bytes.'),
(1071,121,21,NULL,'2016-11-27 19:44:10',0,0,'I help in two of the houses on Saturdays and the dipping between them takes ten minutes, every time. Would a wipe with spirit not do the same in ten seconds? I ask out of laziness and not out of rebellion.'),
(1072,121,12,1071,'2016-11-27 22:52:53',6,1,'A wipe cleans the flat of the blade. It doesn\'t clean the hinge, the spring or the crack between the jaw and the handle, and that is where the sap sits. In a trial with dye, after a wipe we still found colour in the hinge of eleven out of twelve pairs; after ten minutes in the bath of 2 percent soda crystals in none. That\'s 20 grams per litre, so 200 grams in the ten-litre tub. The way out of your trouble is a second pair: one set soaks while you use the other. The rack by the door of Cherry has spares on the left side, dip done, tag green.'),
(1073,121,38,1072,'2016-11-28 07:44:23',4,0,'And thank you for asking in place of skipping it. The bath is made fresh on Monday and Thursday. If you can\'t see the bottom of the tub, it is too dirty, whatever day it is; pour it on the path, not into the drain.'),
(1074,122,33,NULL,'2016-12-28 08:40:31',2,0,'The black thing is up at the harbour again this morning but there is hardly a ripple. Does it mean that it\'s blowing, or that it will? And from which force on? My brother-in-law says six, I say nine; there is a bottle at stake.'),
(1075,122,8,1074,'2016-12-28 10:01:01',13,1,'You both lose the bottle, I\'m afraid. The cone goes up when the forecast is force 8 or more, so it is a statement about what is coming and not about what you see. This morning\'s chart has the low 400 kilometres to the south-west, moving at 60 kilometres an hour; expect the wind after two o\'clock, first from the south, then veering west with the rain. Force 8 begins at about 17 metres a second, which is the same wind that shuts all vents in the glasshouses. It comes down after six hours without an observation above that force, and not because the harbour is pretty.'),
(1076,122,2,1075,'2016-12-28 16:45:02',3,0,'I reported to the two gentlemen at the bar. The bottle was opened in honour of the weather observer, and I\'m told the cone was right at ten to three.'),
(1077,123,15,NULL,'2017-01-16 20:00:19',4,0,'Reading about the seed war of 1979. The vote was 71 to 38 in favour of letting mainland growers borrow. Does anyone know what became of the 38? Did they leave? My aunt never talked about it, and I have a suspicion why.'),
(1078,123,5,1077,'2017-01-17 10:20:54',12,0,'The minutes don\'t list names, because the vote was by beans in a jar: white for yes, black for no. I counted the jar myself, it still stands in the reading room, and there are in fact 39 black beans; one is thought to be a stray. From the subscription ledger we know that 12 members did not renew in 1980, and that nine of them came back by 1984. So about three left for good. The leader of the no side ran the exchange table at the next assembly and was thanked for it in writing. Come Tuesday to Saturday between 10:00 and 16:00 and I\'ll show you the ledger; your aunt\'s line might surprise you.'),
(1079,123,47,1077,'2017-01-19 18:14:37',3,0,'I was a mainland borrower in that first year. Three packets of oats in a buff envelope, and a note that said \"two back, or we shall have been right\". I returned six to be safe. I\'d like to think one of the black beans turned white over that.'),
(1080,123,29,1077,'2017-01-21 00:12:25',5,0,'A word from the present council, since this thread is being read aloud in the shop. We would vote the same way today, I think by a good deal more than 71 to 38. In the last ten years mainland borrowers have returned 93 packets in a hundred, islanders 88; the difference is mostly wind. After the great loss of 1986, seventeen of the varieties that we got back came from mainland gardens which had borrowed them under that very rule. I don\'t say this to embarrass any beans. The beans did their duty as they saw it.'),
(1081,124,18,NULL,'2017-02-03 10:00:41',2,0,'The swap board is open since Wednesday and I have 40 spare packets of Sound Gold, cleaned and tested. I would rather have 20 terns than 40 packets of other things. Is this allowed if I give the money to the school?'),
(1082,124,36,1081,'2017-02-03 11:45:10',8,1,'No, and the good purpose does not change it. The forum forbids the sale of seed; swaps only, and that includes sales with a halo. What you can do: offer them on this board until 30 April for a swap of any sort, including work, baskets, jam or a ride to Tarn Ebb. Or hand them to the seed keeper against your returns. Or give them to the school, which lends packets from its own library and will be glad of onions. I have edited the price out of your other post rather than deleting it, so please check that it still says what you mean.'),
(1083,124,43,1081,'2017-02-03 17:07:14',4,0,'I\'d take ten packets of Sound Gold against one of my small willow baskets, the 8 tern size, if that\'s of use to you. It has a hoop handle and a slight lean to the left, for which reason it isn\'t in the shop.'),
(1084,125,22,NULL,'2017-03-19 11:31:00',3,0,'My new heap is 1.5 m in every direction: kale stems, horse bedding and grass. Today, on day six, the long thermometer shows 71 °C in the core and it steams like a kettle. Should I be afraid, and should I water it?'),
(1085,125,19,1084,'2017-03-19 14:55:12',9,1,'Not afraid, but busy. The heap should be turned as soon as the core passes 65 degrees, so you are a little late; above 70 you kill the very creatures that do the work, and the heap goes sour instead of brown. Turn it today, outside to the inside, and shake every forkful. If a squeezed handful gives no drop of water, add two cans while you turn; if it drips, add straw. It will climb again, to 60 or so. Turn it a second time 14 days later, then leave it alone till September. A heap this size can\'t catch fire by itself, that takes haystacks; it can only stink.'),
(1086,125,31,1084,'2017-03-20 08:40:58',1,0,'Push three hollow fence posts into the middle while building and pull them out after. The chimneys keep mine between 55 and 64 and I have never had to turn one in a panic. It costs an extra five minutes and three posts.'),
(1087,126,24,NULL,'2017-06-05 21:52:55',2,0,'I borrowed four packets this spring: barley, kale, onion and carrot. On Saturday the neighbour\'s goat got in and ate all four rows to the ground. The rule is \"borrow one, return two\", so do I now owe eight packets that I can\'t grow?'),
(1088,126,6,1087,'2017-06-06 03:02:14',14,1,'You owe nothing. Fill in a green slip for each lost crop: name of the variety, date, cause. \"Goat\" is sufficient, we have a small drawer of goats. The slips are on the counter of the shop and in the reading room, and they aren\'t a punishment; the seed keeper reads them all, because a loss tells us as much as a harvest does. You may borrow again in the same year so long as you stay within 12 packets, and the eaten four count among these twelve. So eight are left. Carrots and kale can still be sown this month. Look at the kale first, though, as it often grows again from the stump.'),
(1089,126,9,1088,'2017-06-06 15:52:32',2,0,'Second that about the kale. Deer took mine to 4 cm in June of 2012 and by September it stood knee-high with three heads on each stump. Keep the slip in your pocket for a fortnight, you might need only three of them.'),
(1090,127,15,NULL,'2017-08-23 23:05:22',3,0,'My script does `house.wait(60)` between two readings, and Dogwood\'s Lapwing reboots every single time, leaving a gap in the log of about two minutes. Without the wait it runs for days. Coincidence?'),
(1091,127,16,1090,'2017-08-24 00:34:36',10,1,'No coincidence. `wait()` blocks, and while it blocks nothing sends the heartbeat. The watchdog of a Lapwing 4 restarts the unit after 45 seconds without one. So `wait(60)` is fatal, `wait(40)` works by luck and `wait(20)` three times is fine:\n\n```python\nfor _ in range(3):\n    house.wait(20)     # heartbeat goes out between the calls\n```\n\nIt is my fault rather than yours; a blocking call has no business in a library for a machine with a watchdog, and I mean to drop it in a later major version. Until then, put your pauses into a schedule rule and let the library keep the beat, e.g. `Schedule.every(1)`.'),
(1092,127,18,1090,'2017-08-24 11:02:29',2,0,'I had the same on Elm and thought the power supply was to blame. You can prove which it is by looking at the log after the reboot: a watchdog restart leaves exactly the same gap each time, in my case 112 seconds, while power trouble leaves ragged ones.'),
(1093,128,4,NULL,'2017-09-30 16:42:58',1,0,'Little Foghorn was full of flowers and now they lie on the floor, yellow at the joint. Days are still 20 °C under glass. Nothing has changed that I can see! I feed them weekly with comfrey.'),
(1094,128,45,1093,'2017-09-30 21:34:42',6,1,'Look at the nights. Little Foghorn must be kept above 14 degrees at night; below that the pollen dies and the plant sheds the flower within three or four days. At the end of September an unheated house falls to 9 or 10 by five in the morning. Hang a thermometer which records the lowest value at flower height and you\'ll see. If you\'ve no heat, move pots into the kitchen at dusk, or stand two dark 20 litre cans of water on each side of the row: they give back 2 to 3 degrees until dawn. Stop the comfrey as well. It\'s potash the fruit wants now, but no more nitrogen.'),
(1095,128,35,1094,'2017-10-01 19:52:38',1,0,'The water cans are good for a fortnight, then the days are too dull to charge them. After 10 October I pinch out all flowers and let the plant finish the fruit that it has.'),
(1096,129,39,NULL,'2017-10-06 06:45:46',7,0,'Old Margit hasn\'t turned since Tuesday the third. I hear that a sluice chain broke. Can anybody say how much water we lose by this, and whether the fields should stop drawing from Loch Merrin?'),
(1097,129,44,1096,'2017-10-06 10:20:24',19,1,'The chain broke at the third link above the shackle, and the new one comes by ship, so count on two weeks and not on two days. When she works, the old lady lifts 42 cubic metres each tide, and there are nearly two tides a day, so we miss about 80 cubic metres daily. Over 16 days that is 1,280. The loch stands at 241,000 today, so the loss is half a percent; nobody needs to stop. It would be another matter in June. A drought notice is only given below 120,000 cubic metres. I\'d ask only that the settling pond be left alone, since I want it full on the first tide after the repair.'),
(1098,129,44,1097,'2017-10-19 11:10:54',11,0,'Turning again since this morning, the nineteenth, at 08:20, on a spring tide with a range of 4.1 metres. The old chain hangs on the pump house wall for anyone who wants to see what 64 years of salt do to a link as thick as a thumb.'),
(1099,129,30,1098,'2017-10-19 13:12:56',2,0,'Heard the wheel from my kitchen and burned the toast with joy.'),
(1100,130,9,NULL,'2018-01-28 17:05:47',2,0,'I had nineteen Lanterns in the attic. They were perfect at Christmas and now five have soft spots around the stalk. The attic swings between 3 and 18 degrees. I thought they keep until April?'),
(1101,130,23,1100,'2018-01-28 20:12:51',9,1,'They do keep until April, but at an even 12 °C. At 3 degrees the flesh is chilled and breaks down a few weeks later, which is precisely what you see now; at 18 it lives too fast and goes stringy. Bring the fourteen good ones into a bedroom that you don\'t heat, each on its own ring of straw, stalk up, not touching. Wipe the stalks with vinegar. Cut the five today: spots up to the size of a coin can be cut out with two fingers\' width around them. My soup takes 1.2 kilograms for six people, so you\'ll feed a wedding. Freeze the rest as purée without any salt.'),
(1102,131,3,NULL,'2018-02-18 13:20:08',4,0,'My label says \"found in a tea tin, 1991\" and nothing more. Whose tin? And is it true that seed which was already old then still came up? I\'m sowing the first six this week and would like to tell my children a correct story.'),
(1103,131,5,1102,'2018-02-18 20:28:49',12,1,'The tin stood behind the flour in the pantry of a house at the north end that was cleared in May 1991. It held 23 seeds in a twist of newspaper. The scrap of paper bears half a tide table, which let my father date it to 1974, so the seeds were about 17 years old. Eight were sown at 25 °C, and three of them were up after five days. All the cucumbers in our green… sorry, *red* packets descend from these three. \"Old Aunt Pell\" was the name on the tin\'s lid in pencil. Whether she was an aunt of anyone in particular we don\'t know.'),
(1104,131,45,1103,'2018-02-19 09:30:13',3,0,'Tell the children as well that 25 degrees is meant seriously. At 18 my six sulked for two weeks and then grew mould. On top of the boiler cupboard they are up between Monday and Saturday.'),
(1105,131,26,1102,'2018-02-20 10:22:03',2,0,'A note for those who want to give it back true to type: cucumbers cross with any other cucumber in flower, within half a kilometre when bees are about. I close the female flowers the evening before they open with a hair clip, put the pollen on at seven in the morning with a male flower turned inside out, clip again for two days and tie a red thread round the stalk. Two fruits are sufficient for about 400 seeds. They must stay on the plant until they\'re the colour of a ripe lemon and soft at the end, that\'s seven weeks after flowering.'),
(1106,132,39,NULL,'2018-03-08 09:41:30',1,0,'Twice I\'ve sown it and twice I gave up after two weeks and threw out the pot. Some say pour boiling water over it, others say it must go to the devil and back seven times. What does a sober person do?'),
(1107,132,35,1106,'2018-03-08 15:39:36',8,1,'A sober person waits. At 18 °C the Puffin\'s Foot takes 24 days, so both of your pots were thrown out ten days before the end. Soak the seed for 12 hours in lukewarm water, change it twice, because the seed coat carries a substance that holds it back; that makes it more even but doesn\'t save more than two days. Sow 1 cm deep in a deep pot, cover with a saucer, write the date plus 24 days on the saucer and don\'t lift it before. The boiling water is a superstition that survives because those who use it forget the pot for three weeks, and then it\'s up.'),
(1108,133,17,NULL,'2018-03-25 12:12:35',3,0,'Because of the wet spring I can\'t get onto my strip before the middle of April. The contractor with the little combine is only on the island in the last week of August. Will the oats be ripe in time?'),
(1109,133,28,1108,'2018-03-25 20:59:32',11,1,'Count it backwards. From emergence to ripeness you need 118 days, and before that 9 days for germination, if the soil has 8 °C. That\'s 127 days altogether. For a harvest on 28 August you must sow by 23 April at the latest, and I would keep five days in reserve, thus 18 April. Sow a bit thicker if you go beyond the 15th: 180 grams on 10 square metres in place of 160, because late oats make fewer side shoots. A wet August adds up to ten days. If you pass the 25th of April, sow Skarf Barley on that strip, it is quicker and stands only 70 cm, so it doesn\'t lodge.'),
(1110,133,33,1108,'2018-03-26 18:13:31',1,0,'Talk to him on the telephone. Two years ago he stayed until 3 September, since the ferry was cancelled twice and he couldn\'t get off again. One shouldn\'t plan with this, but one may hope.'),
(1111,133,47,1109,'2018-03-27 19:39:22',2,0,'The 160 grams on ten square metres is for hand sowing with a rake. With the little drill of the cooperative 130 is enough, since nothing is left lying on the surface for the sparrows. I would roll afterwards, or walk it in with boards under your boots; in my two plots of 2011 the rolled one came up at 88 plants in a hundred seeds and the unrolled one at 69. And get a scarecrow for the first nine days. After that the oats look after themselves.'),
(1112,134,24,NULL,'2018-04-12 07:30:26',3,0,'I follow the card: 500 g of Skarf Barley flour, 45 minutes at 210 °C. The crust is dark and handsome, the inside is a swamp. My oven is an old gas one. Should I bake longer, or hotter?'),
(1113,134,23,1112,'2018-04-12 12:27:00',10,1,'Neither, until you\'ve put a thermometer in the oven. Old gas ovens are often 25 degrees out, and yours is browning the crust quickly, so I think that it\'s too hot at the top and cold at the bottom. Put the tin on the lowest rail, with a heavy tray heated for half an hour under it. Then measure the loaf: the middle should be at 97 °C when it comes out. And barley isn\'t wheat: it holds a lot of water and sets only as it cools. My loaves rest three hours on a wire before anybody is allowed a knife. If you cut at 20 minutes it will always be a swamp, even a well-baked one.'),
(1114,134,3,1113,'2018-04-12 18:39:34',2,0,'I can vouch for the three hours. I cut one half at once and the other half after lunch, same loaf, and my family would not believe it. The second half even stood up to butter.'),
(1115,135,24,NULL,'2018-05-08 13:13:39',3,0,'I took my visitors to the pump house twice and both times the wheel stood still, though there was plenty of water moving past. Is she broken again? Is there a way of knowing in advance when she\'ll turn?'),
(1116,135,44,1115,'2018-05-08 21:38:39',13,1,'Nothing is broken. She needs a tidal range of at least 1.8 metres to lift anything, and at neaps we have 1.6 on the mean, so for two or three days around each half moon she rests. At springs, with a mean of 4.2, she turns like mad. Take your visitors within three days of a full or a new moon, about an hour and a half after high water, when the settling pond is full and the ebb is pulling. I pin the times for the fortnight on the door. You may also look at the pond from the road: when the float by the screen stands over the white stone, come down, and when it\'s under it, have tea.'),
(1117,136,32,NULL,'2018-06-25 20:18:21',1,0,'My pea bed has become free already. Would Drift turnips sown now simply be ready earlier, or is there a reason behind \"the first week of July\"? The bed lies 30 metres from the sea.'),
(1118,136,40,1117,'2018-06-26 00:22:38',7,1,'There is one reason, and it\'s a small black jumping beetle. Flea beetles are busiest here from the middle of May until about midsummer; seed put in during the first week of July comes up in six days and meets the gap between two generations. I sowed one row on 18 June 2016 and one on 4 July, side by side. The early row was sieved to lace, and was overtaken by the later one before August was out. Second reason: before the solstice long days make a part of them bolt. Put in a pinch of mustard as green manure for the ten days if the bare soil bothers you.'),
(1119,137,29,NULL,'2018-07-19 16:30:01',9,0,'Loch Merrin was at 123,000 cubic metres this morning and it\'s falling by 900 a day. I\'m asked by many what happens when we come to 120,000, and would like the answer to stand here in one place, from somebody who knows it.'),
(1120,137,44,1119,'2018-07-19 19:56:14',17,1,'At the present rate the notice comes in four days, on the 23rd, because it is given when the loch falls below 120,000. From that hour the glasshouses may use 18 cubic metres a day, all five together; on a hot day they take nearly 30 otherwise, so shade and mulch come first. For the members: drip lines and cans only, no hoses, no sprinklers; seed crops before food crops, food before flowers. Washing of nets and boats with loch water stops. I read the Corran at the pump house at 06:00 every day and chalk the figure on the harbour board by seven. The notice is lifted above 135,000, not at 120,001, or it would go on and off like a lamp.'),
(1121,137,19,1120,'2018-07-20 12:45:11',5,0,'On Long Rig we draw lots for the hours: three rows of drip at a time, from 20:00 to 05:00. A bucket of wrack mulch on each square metre has saved me about every second watering in the dry June of 2013.'),
(1122,137,45,1119,'2018-07-20 20:40:37',4,0,'What I do with cans: a clay flowerpot sunk between each two tomatoes with the hole stopped by a bit of wool, filled every evening, 1.5 litres. The water is at the roots at once and nothing evaporates from the surface. In the dry summer I needed 0.75 litres per plant and day, where my neighbour with a rose on his can needed nearly two. For seed crops in the open I only water from the first flower until the pods are full, and before and after that not at all; beans forgive it.'),
(1123,138,34,NULL,'2018-08-09 08:30:11',3,0,'It\'s the second week of August, so the book says to lift the onions. But two thirds of mine stand upright and green, since we had that wet July. If I leave them longer I get big onions that rot; if I lift now I fear thick necks. Opinions?'),
(1124,138,26,1123,'2018-08-09 13:10:51',8,1,'Lift the third that has fallen, today or tomorrow, and loosen the others: push a fork under each row at 15 cm and raise the bulbs by one finger\'s width until you hear roots tear. That tells the plant that the summer\'s over. Most necks will bend within eight days without you bending them. Never stamp the tops down, because a crushed neck lets the rot in. In wet years I accept that a fifth stay \"bull-necked\"; those are for eating until October. Dry the rest for three weeks on slatted shelves in a draught. If the outer skin rustles when you close your hand around it, it is dry.'),
(1125,138,2,1123,'2018-08-10 15:40:51',1,0,'And don\'t water, no matter how sad the tops look. I gave mine a can in the first week of August once, out of pity, and paid with half the string in November.'),
(1126,138,31,1123,'2018-08-11 10:59:52',2,0,'In the same wet July I lifted one bed on 9 August and the other one on the 23rd, both dried in the net loft. By New Year the early bed had lost 6 bulbs of 110 and the late bed 31 of 104. The late ones were a quarter bigger when lifted, so by weight I was behind only a little, but I can\'t plait a rotten onion. Since then it\'s the second week of August, no matter what the tops say, and the biggest go to the kitchen in September.'),
(1127,139,1,NULL,'2018-09-14 21:10:59',5,0,'We run `glasshouse.simulate(7, 42)` on Pipit and get exactly the same temperatures each time. Ailsa thinks the computer is lazy. We want a different week for every pupil. There are 12 of us.'),
(1128,139,16,1127,'2018-09-15 09:01:02',14,1,'It isn\'t lazy, it\'s obedient. The second argument is the *seed* of the random numbers: same seed, same weather, which is useful when you want to compare two ideas fairly. The first is the number of days. Give each pupil another seed:\n\n```python\nimport glasshouse\n\npupils = [\"Ailsa\", \"Ewan\", \"Isla\"]          # … and nine more\nfor seed, name in enumerate(pupils, start=1):\n    week = glasshouse.simulate(7, seed)\n    warm = max(r.value for r in week)\n    print(name, \"had a highest value of\", round(warm, 1))\n```\n\nThe list contains readings of all sensors mixed, so for \"warmest\" you should first keep the ones whose unit is the degree sign and C. Tell Ailsa a lazy computer would give a different answer every time and never say why.'),
(1129,139,1,1128,'2018-09-18 15:38:43',7,0,'It works! Isla\'s week was the hottest but she forgot to filter, so it was 812 degrees, and that was the light. ☀️'),
(1130,140,18,NULL,'2018-10-20 11:25:04',2,0,'I need 120 seconds of mist after pricking out. `glasshouse.mist(120)` raises MistLimitError. `glasshouse.mist(60)` twice in a row works but then everything drips. Why is there such a limit, and what is the polite way?'),
(1131,140,16,1130,'2018-10-20 15:05:55',9,1,'The limit of 60 seconds in one call exists since the night when somebody typed 600 in place of 60 and 30 trays floated. Two calls one after the other are allowed, because then at least you had to mean it. The polite way is short and often:\n\n```python\ns = glasshouse.Schedule()\ns.every(5).do(glasshouse.mist, 15)     # eight times = 120 seconds\n```\n\nStop the rule after 40 minutes. Fifteen seconds from a Plover head is 17 millilitres, enough to wet a leaf to the point of running off; whatever comes beyond this goes on the floor. After pricking out the seedlings want damp air, not a bath.'),
(1132,141,41,NULL,'2018-10-30 19:33:01',4,0,'I come from a place where the ground is like iron in winter, and it seems madness to sow beans in November. What do they look like in January? How deep, how far apart, and must I cover them?'),
(1133,141,47,1132,'2018-10-30 21:36:00',9,1,'They look like small grey-green fists, about 6 cm high, and they sit still from Christmas until the last week of February. Cinder germinates at 5 °C in 15 days, and our soil at spade depth is hardly ever under that before December, so what\'s sown on 5 November is up by the end of the month. Depth 6 cm, 20 cm apart, double rows with 60 cm between. No cover, but hill up 5 cm of soil around them after the first gale so that they don\'t rock. They stand -7 without harm; at the record low of -9.4 in 1986 the growers here lost the tops, and the roots pushed up new stems in March.'),
(1134,141,22,1133,'2018-10-31 08:56:48',2,0,'Mice are the real frost. I roll the seed in paraffin… no, *paraffin wax* is what my father used, I use chopped gorse in the drill. One bucket covers 6 metres and the mice go and bother somebody else.'),
(1135,141,26,1132,'2018-11-01 07:25:15',3,0,'And in June pinch out the tops, the upper 10 cm, as soon as the lowest pods are as long as a finger. The black aphids sit there and only there. The tops are good to eat, like spinach. I get 14 to 18 pods from a plant of November sowing and 9 or 10 from a March one, and three weeks earlier. For returns leave the lowest three pods on each plant until they\'re black and rattle, around the end of July; that\'s roughly 12 seeds a plant, so ten plants repay a packet four times over.'),
(1136,142,15,NULL,'2018-11-19 15:50:17',3,0,'For a school report my niece wants to know the consumption of the glasshouse boiler per day and how much land must be planted with willow for it. I know only that it burns 38 tonnes a year.'),
(1137,142,38,1136,'2018-11-19 21:32:51',9,1,'A mean doesn\'t help her, since the Garrod 90 is off from June to mid September. We heat for about 250 days, which gives 152 kilos a day. In the coldest week of last winter I wrote down 310 kilos a day, and on a mild day in May it can be as low as 40. As to the land: a hectare of our willow, cut every third year, gives about 8 tonnes of dry chips per year of growth. 38 divided by 8 is 4.75, thus just under five hectares, cut in thirds. She may also like this: one kilo of dry chips holds about 4 kilowatt hours, so 38 tonnes are around 150,000.'),
(1138,142,43,1136,'2018-11-21 03:04:11',3,0,'Your niece should be told that not all of it is burnt. Of what\'s cut in the three plots about one rod in twenty is straight enough, and long enough, for a basket, and those I pick out by hand in February before the chipper comes. That\'s some 9,000 rods a year, and I use 5,500 of them. The rest go to hedges and to people\'s beans. A chip is a rod that had a bend in it. I\'m glad of each cold winter, for then they plant more willow.'),
(1139,143,45,NULL,'2018-11-29 09:55:22',2,0,'I must take 60 tomato seed packets to a meeting in Tarn Ebb on Monday. The forecast says wind 7, waves \"moderate to rough\". Who decides whether the Morna Skye goes, and when can I know?'),
(1140,143,10,1139,'2018-11-29 15:48:04',11,1,'I decide, on one number: if the Sound buoy shows waves above 3.5 metres, the sailing is cancelled. Wind alone doesn\'t cancel, a southerly 7 in the shelter of the island is merely wet. I look at the buoy two hours ahead, so for the 15:00 at 13:00, and then again at 14:20; after that I don\'t change my mind unless something breaks. The board at the quay and the telephone of the office have it at five past one. With \"moderate to rough\", my experience is one cancellation in nine. As you have a fixed appointment take the 07:45; the sea is usually at its lowest in the early morning with this kind of weather.'),
(1141,143,33,1139,'2018-11-29 21:40:10',0,0,'Last winter I missed four out of 31 crossings that I had planned, and every one of these four was a north-wester. With southerlies I\'ve never been left standing.'),
(1142,144,18,NULL,'2018-12-01 18:44:16',2,0,'I\'ve been offered an offcut of the Torvik heating mat which the glasshouses use. My bench is 0.8 by 1.5 metres. Will an ordinary 3 amp fuse stand it, and what would a night cost me? Electricity is 6 fins per kilowatt hour here.'),
(1143,144,16,1142,'2018-12-01 20:52:10',11,1,'The HB6 is rated at 160 watts a square metre. Your bench has 0.8 × 1.5 = 1.2 square metres, so 192 watts. At 230 volts that is 0.83 amperes; a 3 amp fuse is fine and leaves room for a lamp. It doesn\'t run all the time: with a thermostat at 18 °C in a shed at 8 °C my bench is on for about 40 percent. A twelve-hour night is then 0.192 × 12 × 0.4 = 0.92 kilowatt hours, about five and a half fins. Put 3 cm of cork under the mat, or you heat the shed from below. Never fold an offcut and never cut across the silver line.'),
(1144,144,30,1143,'2018-12-02 10:01:17',3,0,'Use an RCD (the plug with the test button), wet bench + mains = no jokes. ⚡ And keep the thermostat\'s probe in the mix, 2 cm deep, not hanging in the air beside it.'),
(1145,145,15,NULL,'2019-01-09 19:58:41',1,0,'For a heat treatment against celery leaf spot I want to hold an empty Dogwood at 38 °C for a day. `set_target(38, 38)` raises `TargetRangeError`. Can I switch off the check? I promise there is no plant inside.'),
(1146,145,16,1145,'2019-01-09 22:18:18',8,1,'No, and I won\'t add a switch. The targets must lie from 2 to 35 degrees, because the mats, the glue in the glazing bars and the man who has forgotten something inside were all considered when I chose these numbers. You also don\'t need a house for it. A treatment of seed is done in a water bath: a big pot, a thermometer that you have checked in melting ice, and a cloth bag; ask the seed keeper for the exact time and temperature for celery, since one degree too many kills the embryo. With a whole house you\'d burn half a tonne of chips to warm a spoonful.'),
(1147,145,12,1146,'2019-01-10 13:02:44',3,0,'If it\'s the house you wish to disinfect rather than the seed: wash it with soda, then leave it shut and empty in July for two weeks. In Dogwood I\'ve measured 44 °C under the ridge on such days, with no help from any heating.'),
(1148,146,21,NULL,'2019-02-02 10:15:20',2,0,'I set out my Kittiwake tubers in egg boxes on New Year\'s Day, in the kitchen. They have white shoots as long as my finger now. Planting time is surely not before the end of March. Have I ruined them?'),
(1149,146,19,1148,'2019-02-02 13:21:30',10,1,'Ruined no, spoiled yes. Kittiwakes are chitted for 35 days at 9 °C in the light, and yours had 32 days at perhaps 19 and probably in the dark corner. White and long means warm and dim. Rub off all the shoots, today, right down to the eye; each eye has two spares. Keep the tubers in the coldest frost-free place until 20 February, then set them out on a window sill in an unheated room, rose end up. You\'ll be at 35 days on 27 March with dark, stubby sprouts of 1.5 to 2 cm. You lose about a tenth of the crop by that, which is what I lost when I did the same.'),
(1150,146,4,1149,'2019-02-04 05:57:01',3,0,'Thirty-five days before planting, so first choose the planting date and count backwards. For 1 April that\'s 25 February. I have it written on the lid of the egg box, along with \"NOT THE KITCHEN\".'),
(1151,147,17,NULL,'2019-02-15 07:07:19',1,0,'I have eleven spare packets of Tidewrack beet and would like other roots. How do I best send them, and does anyone know what I should write on a packet so that it\'s accepted as a swap?'),
(1152,147,34,1151,'2019-02-15 15:06:21',2,1,'Try it.'),
(1153,147,6,1151,'2019-02-16 05:08:50',4,0,'For the wording on the packet: the name of the variety, the year of harvest, your name, and \"grown in salt water\" or \"not\", as buyers… borrowers of Tidewrack do want to know. Use the blue envelopes, since it is a root. We keep a basket of empty ones on the counter, free of charge.'),
(1154,148,37,NULL,'2019-02-20 22:22:12',3,0,'I got the CSV log for January from a friend and would like the daily lowest air temperature in Cherry. My script stops at one row because the value is `--`. The columns are time, house, sensor, value, unit. No big libraries, please, I have an old laptop.'),
(1155,148,18,1154,'2019-02-21 01:13:06',10,1,'The `--` is written when a sensor was unplugged. Skip whatever isn\'t a number:\n\n```python\nimport csv\n\nlowest = {}\nwith open(\"log.csv\", newline=\"\", encoding=\"utf-8\") as f:\n    for row in csv.DictReader(f):\n        if row[\"house\"] != \"Cherry\" or row[\"sensor\"] != \"air\":\n            continue\n        try:\n            v = float(row[\"value\"])\n        except ValueError:\n            continue\n        day = row[\"time\"][:10]\n        lowest[day] = min(v, lowest.get(day, v))\nfor day in sorted(lowest):\n    print(f\"{day}\\t{lowest[day]:.1f}\")\n```\n\nThe separator in the print is a tab, so you can paste it in a spreadsheet. January has 2880 rows per day and house if all five sensors are logged every 150 seconds, hence give the old laptop ten seconds.'),
(1156,148,16,1155,'2019-02-22 04:13:57',2,0,'Nice and short. One remark: the time is local time without a zone, so on the two days when the clocks change you get a day with 23 or 25 hours. For the lowest value it doesn\'t matter.'),
(1157,149,32,NULL,'2019-03-11 09:00:46',2,0,'I\'d like two Plover M2 heads over my cuttings and have a rain barrel with 200 litres. If I run them as they do in Alder, how long will the barrel last? I can\'t get the arithmetic of \"12 seconds every 15 minutes\" into my head.'),
(1158,149,30,1157,'2019-03-11 12:07:13',8,1,'From 07:00 to 19:00 are twelve hours, four starts in each, so 48, and one more at 19:00 if you count both ends: 49. Times 12 seconds makes 588 seconds, near enough 10 minutes a day. A head gives 4 litres an hour, so 588 / 3600 × 4 = 0.65 litres. Two heads 1.3 litres a day. The 200 litre barrel lasts for 153 days, if it doesn\'t leak. Your difficulty will be another: the heads want 2.5 bar and a barrel on a wall one metre high gives 0.1. You need a small pump with a pressure switch, and a filter in front, because the nozzle is finer than a hair.'),
(1159,149,35,1158,'2019-03-12 11:13:27',2,0,'Rain water is right for it, by the way. With the hard water of the east shore the nozzles grow white beards in a month; a night in vinegar removes them.'),
(1160,149,32,1158,'2019-03-13 21:27:01',3,0,'For completeness, what I built from this: a 12 volt pump from a caravan with a pressure switch at 2.8 bar, a filter cup with a 100 micron mesh, six metres of hose, two heads. Current is 4 amperes, but for just ten minutes a day, so that an old car battery lasts three weeks. I used 1.4 litres a day in April, measured with a stick in the barrel over thirty days; that\'s the 1.3 of the calculation plus a drip at the second joint, which I\'ve since found.'),
(1161,150,30,NULL,'2019-04-03 06:50:14',4,0,'I\'d like to get a letter from my machine when the bus is dead, but not whenever a sensor is a little late. `gh-skerry doctor` prints a lot of text; I don\'t want to parse it. Is there a status code?'),
(1162,150,16,1161,'2019-04-03 11:26:25',9,1,'Yes: status 3 means that the bus didn\'t answer at all, and 0 that everything is fine. So in a small shell script, called every ten minutes:\n\n```sh\n#!/bin/sh\ngh-skerry doctor > /tmp/doctor.txt 2>&1\nif [ $? -eq 3 ]; then\n    mail -s \'Rushlight bus is silent\' brineleg < /tmp/doctor.txt\nfi\n```\n\nWatch the quotes; with typographic ones (“ ”) the shell looks for a program of that name. Also, don\'t run it every minute: `doctor` asks each of the five addresses with a pause of two seconds and has the bus for itself meanwhile, and thereby you\'d cause the stale readings you\'re trying to detect.'),
(1163,151,14,NULL,'2019-04-23 18:27:09',4,0,'I wish to bring a rose in a pot with the ferry on Saturday. At the quay a sign says \"No soil\". Does that concern also a small pot? The rose was our mother\'s and I don\'t want to lose it in some office.'),
(1164,151,38,1163,'2019-04-23 22:04:46',12,1,'It concerns every pot, of whatever size. No soil or potted plant may come aboard without a quarantine label, which you get from the ferry office; ask by Thursday evening and it\'ll be ready. The rose then stays for 21 days in Dogwood, our quarantine house, in its own tray, with its own can. Nobody repots it unless you allow it. I look at it on day 1, 7, 14 and 21 for scale, rust and vine weevil, and if it\'s clean your sister fetches it. You\'ll get a photograph each week if you wish. Or take six cuttings of pencil length, washed, in damp moss, without soil: these need the label as well, but only a leaf check.'),
(1165,152,4,NULL,'2019-05-17 14:02:45',1,0,'I own no light meter. In the glasshouses the shade cloth is drawn at 650 watts a square metre, so how do I recognise that with my eyes? Last May I shaded too late and my seedlings had white patches by the evening.'),
(1166,152,35,1165,'2019-05-17 19:09:43',7,1,'Use your shadow. Under a clear sky the light depends mostly on how high the sun stands, and 650 watts on a level surface is reached here when the sun is about 45 degrees up. At this height your shadow is exactly as long as you are. So: stick a cane one metre tall in open ground. When its shadow is shorter than a metre and the edge of the shadow is sharp, draw the cloth; when it is longer, or the edge is blurred by haze, leave it. In mid May this means from about eleven until three. For seedlings pricked out less than four days ago I begin an hour sooner.'),
(1167,151,14,1164,'2019-05-22 22:12:28',8,0,'The rose is out since yesterday, 🌹 healthy, and with two buds. Danke an alle! In the photographs she looked better in quarantine than with me.'),
(1168,153,9,NULL,'2019-05-30 20:45:27',4,0,'Since four o\'clock a cluster of bees as big as a rugby ball hangs on the third tripod of my climbing beans. They seem calm. Whom do I ring, and what should I not do? My beans are just 40 cm high.'),
(1169,153,25,1168,'2019-05-30 21:54:53',16,1,'You ring me, or send a child to the white gate; I\'m there in 20 minutes with a box. Until then: nothing. A swarm has no home to defend and is as mild as bees will ever be, but don\'t spray water on it and don\'t bang pots, that\'s a tale. Keep the dog in. They usually sit for one to three days, while the scouts look at chimneys, so it isn\'t an emergency, only I\'d prefer to be quicker than your chimney. Mark which hour you saw them first. I think they came out of hive 9, which was crowded on Sunday. With them it will be 22 again; otherwise I\'m left with 21 and an empty stand.'),
(1170,153,9,1169,'2019-05-31 00:34:40',7,0,'Boxed at half past six, without one sting, and not a bean broken. I got the promise of a jar in September.'),
(1171,154,32,NULL,'2019-06-11 12:00:51',2,0,'After we exchanged the unit in Cherry, every request to Dogwood gives rubbish: the frames are too long and no checksum fits. Birch, Alder and Elm are fine. I swear that I haven\'t touched Dogwood.'),
(1172,154,16,1171,'2019-06-11 13:19:33',12,1,'You exchanged it for the spare, and the spare was last in Dogwood. The address is kept in the unit and not in the wall: 11 is Alder, 12 Birch, 13 Cherry, 14 Dogwood, 15 Elm. So at present you have two units with 14 and none with 13, and both answer together, hence the frames of double length. Open the lid of the new unit, set the two small dials to 1 and 3, close it, and restart it. To prove it first: ask for Cherry. If nobody answers at 13, I\'m right. I\'ll put a strip of paper on the spare that says \"DIAL ME\".'),
(1173,154,32,1172,'2019-06-11 15:03:14',6,0,'Silence at 13, chorus at 14. Dials set, all five houses back. Thank you, and sorry, Dogwood.'),
(1174,155,41,NULL,'2019-06-29 11:40:33',2,0,'I pickled 2 kg of Brackwell Black, in brine of 4 percent. Today is the fifth day and the liquid is as cloudy as milk. It smells sour but not bad. Throw away? It\'s my first time with such a thing.'),
(1175,155,23,1174,'2019-06-29 14:56:01',9,1,'Do not throw it away, congratulate it. The cloud is the lactic bacteria at work; it starts on day 3 or 4 and sinks to the bottom towards the end. The radish rests nine days in all in the 4 percent brine (40 grams of salt per litre), so you\'re half-way. Check three things: every slice is under the liquid, the room is between 16 and 20 °C, and what\'s on the surface is at most a thin white film, which you lift off with a spoon. Fur of any colour, pink slime or a smell of drains would be reasons for the compost. After day 9 put it in the cold; there it\'s good for about three months.'),
(1176,156,8,NULL,'2019-07-23 07:20:25',21,0,'Yesterday, 22 July, the thermometer at Gannet Law stood at 27.9 °C at twenty to four. That\'s the highest since the station was set up on 1 June 1931. I\'d be glad of other readings from the island, with the place and the kind of thermometer. What was it like under glass?'),
(1177,156,38,1176,'2019-07-23 10:38:36',15,0,'In Birch, with all vents at 100 percent, the cloth drawn and the floor wetted down every half hour: 36.8 °C at 16:10, the only time this year that I wished for wind. Cherry reached 33.5, and we carried every tray of Seven Point out of it into the cellar of the boiler house, since it fails above 26. Losses: about 140 lettuce plugs, four trusses of tomato flowers on each plant in the south bay, and no peppers at all; they seemed to enjoy themselves. We used 31 cubic metres of water over the day. On an ordinary July day it is about 12.'),
(1178,156,44,1176,'2019-07-23 12:46:20',6,0,'Pump house door, north side, mercury in glass, 1.5 m above the flags: 26.1 at four o\'clock. The sea at the steps was 13.2, and I counted fourteen people in it who hadn\'t been in since they were children.'),
(1179,156,7,1176,'2019-07-24 09:37:40',4,0,'School garden, digital probe in a white box built by class two: 28.3. We distrust it by one degree because the box is nearer to a wall than your rules permit. We will move it in the holidays.'),
(1180,156,33,1176,'2019-07-24 23:22:03',3,0,'Skarf Point, a spirit thermometer from my grandfather on the west wall of the wash house, so in the sun from two o\'clock and not worth a fin: 34. But in the cellar, where it hung afterwards as a control, 14.5, and that\'s the same as each summer. I write it down because of the cellar. If anyone wants to store potatoes, or an old brother-in-law, there\'s room.'),
(1181,157,11,NULL,'2019-08-04 15:33:47',0,0,'The slats in my cold frame are slippery and green, and it spreads on the pots. Scrubbing helps for a week. Is there something that lasts, without poison? I water from above with a rose, twice a day in this heat.'),
(1182,157,33,1181,'2019-08-04 22:27:08',-3,1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
(1183,157,39,1181,'2019-08-05 21:21:56',3,0,'I think the above was the cat. To the matter: water once, in the early morning, so that the slats are dry by noon. Algae need a surface that stays wet for most of the day. Scrub with hot water and 2 percent soda crystals, let it stand ten minutes, rinse, and oil the dry wood with linseed. Mine has stayed clean since 2016 with one oiling per spring.'),
(1184,158,2,NULL,'2019-09-15 17:17:03',2,0,'I take over a strip and it says that the rotation has five years: potatoes, beans, kale, roots, oats. Onions are mentioned nowhere. Do I count them as roots? My strip is due for kale in 2020.'),
(1185,158,19,1184,'2019-09-15 21:11:04',9,1,'We put them with the roots, but at the end of the field that had the beans three years ago, so the two don\'t meet on the ground. Your strip: kale 2020, roots and onions 2021, oats 2022, potatoes 2023, beans 2024, and kale again in 2025. The order has its reasons: seaweed goes in before the potatoes, the beans leave nitrogen for the kale, the roots want ground which wasn\'t freshly manured, and oats clean up what is left. If you must have onions next year, use the headland, a strip 1 metre wide that\'s outside the plan; I grow 90 bulbs on 6 metres of it.'),
(1186,159,33,NULL,'2019-10-08 08:08:54',3,0,'We live beside the cottage and a bell rang at 02:40, for about ten minutes. My wife says this is the alarm of the seed vault. What had happened, and are the seeds all right? The 1986 story is told here often.'),
(1187,159,28,1186,'2019-10-08 12:47:19',18,1,'Your wife is right. The alarm rings in the lighthouse cottage when the vault rises above -15 °C; it was -14.8 at 02:38. The keeper telephoned me, and I was at Brackwell at 03:05. The cause was small: after the thunderstorm the compressor\'s overload switch had tripped at about nine in the evening and it hadn\'t restarted. I pressed the button, the Norrbeck started, and by 07:00 we were at -17.1. Nothing was harmed; seed at 5 percent moisture doesn\'t notice four degrees in six hours. In 1986 the generator failed for six days, and 240 accessions were lost; that is a different order of thing, and the reason why you\'ve got a bell next door.'),
(1188,159,5,1187,'2019-10-08 17:02:47',4,0,'Entered in the vault book as the third alarm since the compressor came in 2011. The other two were the door left ajar (four minutes) and a mouse in a relay (for ever, from the mouse\'s point of view).'),
(1189,159,30,1187,'2019-10-09 03:53:26',3,0,'From somebody who repairs motors: have the overload relay adjusted, not only pressed. A compressor of 2.6 kilowatts draws about 11 amperes when running on one phase, but five or six times that for the first second. If the relay is set at 12 and the supply sags after lightning, it starts slowly, draws too long and trips. Set to 13.5, with a restart delay of three minutes, it would have come back by itself. I\'d do it for a packet of tomato seed, on a Thursday at half past nine, as long as the door is open anyway.'),
(1190,160,36,NULL,'2019-11-12 13:30:36',6,0,'Several of you report that the search for Netmender\'s Bean or Stroan\'s Long breaks the page. I have put in the new version. Please try to break it and post here what you typed, exactly as you typed it.'),
(1191,160,30,1190,'2019-11-12 15:21:08',11,1,'I tried these, one per line:\n\nNetmender\'s Bean\nO\'Hara\\\'s \"best\" leek; 100% ok\n\'); INSERT INTO posts VALUES (999999, 1, 1, NULL, \'2019-11-12 00:00:00\', 0, 1, \'I am a post that nobody wrote\'); --\nC:\\New\\notes\\table.txt\n/* not a comment */ -- nor is this\n\nAll five came back as \"nothing found\", with the text shown as I had typed it, which is the right answer. In the old version line one gave a white page and line three, I\'m sorry to say, gave a post that nobody wrote. The backslashes survive as well; before, `\\n` was shown as a line break. What\'s still wrong: a search for \"½\" finds every post containing a 1 or a 2.'),
(1192,160,36,1191,'2019-11-12 19:05:35',5,0,'Thank you, that\'s what I call breaking things with love. The ½ is on the list. I have removed the post that nobody wrote.');
/*!40000 ALTER TABLE `posts` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `sessions`
--

DROP TABLE IF EXISTS `sessions`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `sessions` (
  `token` char(16) NOT NULL,
  `user_id` int(10) unsigned NOT NULL,
  `opened` datetime NOT NULL,
  `closed` datetime DEFAULT NULL,
  `address` varchar(15) NOT NULL,
  PRIMARY KEY (`token`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `sessions`
--

LOCK TABLES `sessions` WRITE;
/*!40000 ALTER TABLE `sessions` DISABLE KEYS */;
INSERT INTO `sessions` VALUES
('03c988cd9c8e744c',12,'2019-12-03 03:55:14','2019-12-03 04:01:14','192.0.2.15'),
('110b98e88911ed91',34,'2019-12-28 08:44:59','2019-12-28 09:33:59','192.0.2.201'),
('154c5eb5636694ba',13,'2019-12-26 14:57:16','2019-12-26 16:12:16','192.0.2.39'),
('1e30b9e1b22c47ff',40,'2019-12-07 21:30:58','2019-12-07 22:17:58','192.0.2.218'),
('20db29c48761e883',14,'2019-12-20 18:50:32','2019-12-20 19:25:32','192.0.2.85'),
('247c3a58738efacd',46,'2019-12-10 07:16:14','2019-12-10 08:11:14','192.0.2.42'),
('298791551592de82',3,'2019-12-21 19:06:15','2019-12-21 19:07:15','192.0.2.227'),
('33f0de1e0354e640',4,'2019-12-23 00:18:44','2019-12-23 00:40:44','192.0.2.32'),
('432f304ef249b5ce',39,'2019-12-27 04:43:39','2019-12-27 05:54:39','192.0.2.241'),
('462f09dfb728cfc0',39,'2019-12-15 21:58:00','2019-12-15 22:54:00','192.0.2.30'),
('46dfba810c67d997',42,'2019-12-20 08:44:54','2019-12-20 09:36:54','192.0.2.132'),
('471918ad8fdac907',16,'2019-12-05 02:44:13','2019-12-05 02:53:13','192.0.2.110'),
('48f670b05ac28cfa',33,'2019-12-04 00:05:56','2019-12-04 01:34:56','192.0.2.100'),
('4bc7556d8e53609f',44,'2019-12-07 02:46:23','2019-12-07 03:59:23','192.0.2.200'),
('594f9b0c7e935871',10,'2019-12-18 15:55:13','2019-12-18 17:09:13','192.0.2.10'),
('6b805ad010caf536',2,'2019-12-08 01:59:55','2019-12-08 03:13:55','192.0.2.129'),
('794032f52d048a88',19,'2019-12-23 02:09:16','2019-12-23 02:43:16','192.0.2.9'),
('7b1d592224014743',13,'2019-12-04 17:33:13','2019-12-04 17:36:13','192.0.2.99'),
('8ba64bc38f2ab367',32,'2019-12-24 13:01:59','2019-12-24 13:32:59','192.0.2.110'),
('8c7254612c4cfd20',45,'2019-12-26 22:15:05','2019-12-26 23:00:05','192.0.2.30'),
('8fda5929b42f1cfd',36,'2019-12-11 08:48:29','2019-12-11 09:33:29','192.0.2.183'),
('94bd8462075db002',40,'2019-12-29 00:19:14','2019-12-29 01:08:14','192.0.2.45'),
('95d3f8c9fe3f5524',44,'2019-12-30 13:58:39','2019-12-30 15:03:39','192.0.2.120'),
('969287dc620c5871',8,'2019-12-12 13:30:03','2019-12-12 14:01:03','192.0.2.43'),
('976e108774ea20b7',39,'2019-12-24 03:00:00','2019-12-24 03:07:00','192.0.2.17'),
('97ca5e0e7b686492',1,'2019-12-27 01:47:52','2019-12-27 02:57:52','192.0.2.236'),
('98e7e466c58e70c9',6,'2019-12-16 21:30:20','2019-12-16 22:07:20','192.0.2.28'),
('9bc55eb7e1587069',7,'2019-12-17 14:57:47','2019-12-17 16:24:47','192.0.2.59'),
('a6ac1edef0f835a3',27,'2019-12-28 09:09:03','2019-12-28 09:58:03','192.0.2.218'),
('a9c6b5c42b48d173',38,'2019-12-14 05:42:32','2019-12-14 06:09:32','192.0.2.104'),
('bf5c166f162aa5e7',18,'2019-12-05 14:43:17','2019-12-05 16:01:17','192.0.2.220'),
('ca26689bc7b7d938',35,'2019-12-21 20:32:34','2019-12-21 20:41:34','192.0.2.103'),
('cb7dee30c3a0a956',47,'2019-12-11 16:19:04','2019-12-11 16:31:04','192.0.2.199'),
('cc64adb82c5f44d7',18,'2019-12-21 07:44:35','2019-12-21 08:20:35','192.0.2.89'),
('cc76b117f7682c1e',8,'2019-12-03 17:06:00','2019-12-03 17:22:00','192.0.2.197'),
('cd80b868e31e0280',30,'2019-12-13 21:14:43','2019-12-13 21:32:43','192.0.2.49'),
('d20477aca132f3f0',29,'2019-12-21 09:09:10','2019-12-21 09:59:10','192.0.2.77'),
('dbee95d538efb8d1',38,'2019-12-21 21:05:03','2019-12-21 21:31:03','192.0.2.86'),
('ec5621101966e7b4',11,'2019-12-20 01:01:57','2019-12-20 01:16:57','192.0.2.35'),
('f636aa932326111a',24,'2019-12-05 08:49:37','2019-12-05 09:07:37','192.0.2.172');
/*!40000 ALTER TABLE `sessions` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `threads`
--

DROP TABLE IF EXISTS `threads`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `threads` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `board` varchar(32) NOT NULL,
  `title` varchar(200) NOT NULL,
  `created` datetime NOT NULL,
  `user_id` int(10) unsigned NOT NULL,
  PRIMARY KEY (`id`),
  KEY `board` (`board`),
  KEY `threads_user` (`user_id`),
  CONSTRAINT `threads_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=161 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `threads`
--

LOCK TABLES `threads` WRITE;
/*!40000 ALTER TABLE `threads` DISABLE KEYS */;
INSERT INTO `threads` VALUES
(101,'seed-saving','Peas sown on the first of March and nothing showing','2015-03-14 08:12:00',17),
(102,'field-and-soil','How do you hoe a carrot row that you cannot see?','2015-04-02 17:40:00',2),
(103,'glasshouse','Why two different temperatures for the vents in Birch?','2015-05-23 19:05:00',35),
(104,'pests','Counting whitefly: every card or the mean?','2015-06-18 21:17:00',4),
(105,'school-garden','Bean race: 2.71 metres!!! 🌱','2015-07-01 09:30:00',1),
(106,'seed-saving','Gärung? Fermenting tomato seed without the smell','2015-09-21 18:02:00',14),
(107,'kitchen','Beans still hard after two hours of cooking','2015-10-09 12:44:00',3),
(108,'vault','Explaining drying times to visitors','2015-11-03 10:10:00',5),
(109,'field-and-soil','Fresh seaweed straight onto the bed?','2015-12-12 14:25:00',31),
(110,'ferry-and-parcels','Sending seed returns from the mainland','2016-01-20 11:11:00',37),
(111,'glasshouse','Gannet celery: zero out of 200','2016-02-25 13:37:00',35),
(112,'seed-saving','Cracking sea kale shells without crushing the seed','2016-03-30 09:09:00',41),
(113,'controllers','First steps with the new glasshouse library','2016-05-20 20:41:00',18),
(114,'field-and-soil','When is a leek big enough to leave home?','2016-05-28 18:18:00',34),
(115,'water-and-pump','How salty is too salty for my butt?','2016-07-04 16:00:00',39),
(116,'glasshouse','Lettuce seed that will not sprout in a heat wave','2016-07-21 12:50:00',3),
(117,'seed-saving','Two kales in flower 300 metres apart','2016-08-14 10:20:00',19),
(118,'controllers','StaleReadingError every morning at seven','2016-09-07 07:55:00',18),
(119,'glasshouse','Making the propagation mix at home: what volumes?','2016-10-02 15:15:00',40),
(120,'controllers','Rushlight checksum: my sum never matches','2016-11-15 22:30:00',30),
(121,'pests','Do I really have to dip my secateurs?','2016-11-27 19:44:00',21),
(122,'weather','What exactly does the black cone mean?','2016-12-28 08:40:00',33),
(123,'notices','Who were the 38 who voted no?','2017-01-16 20:00:00',15),
(124,'swaps','May I ask for money for my spare onions?','2017-02-03 10:00:00',18),
(125,'field-and-soil','Compost at 71 degrees, is it going to burn?','2017-03-19 11:31:00',22),
(126,'seed-saving','Goat ate the entire loan 🐐','2017-06-05 21:52:00',24),
(127,'controllers','Controller restarts whenever I call wait()','2017-08-23 23:05:00',15),
(128,'glasshouse','Peppers dropping every flower at the end of September','2017-09-30 16:42:00',4),
(129,'water-and-pump','Pump standing still: how long will the loch last?','2017-10-06 06:45:00',39),
(130,'kitchen','Lantern squash going soft in January','2018-01-28 17:05:00',9),
(131,'seed-saving','Where does Old Aunt Pell cucumber actually come from?','2018-02-18 13:20:00',3),
(132,'glasshouse','Puffin\'s Foot parsley, third attempt','2018-03-08 09:41:00',39),
(133,'field-and-soil','Latest sowing date for Gale Oat','2018-03-25 12:12:00',17),
(134,'kitchen','Ferry bread stays wet in the middle','2018-04-12 07:30:00',24),
(135,'water-and-pump','Why is Old Margit asleep half of the time?','2018-05-08 13:13:00',24),
(136,'field-and-soil','Sowing Drift turnip early, on 20 June?','2018-06-25 20:18:00',32),
(137,'water-and-pump','Drought notice: what does it mean for members\' plots?','2018-07-19 16:30:00',29),
(138,'field-and-soil','Sound Gold: necks have not bent yet, lift or leave?','2018-08-09 08:30:00',34),
(139,'controllers','simulate() gives us the same weather every time','2018-09-14 21:10:00',1),
(140,'controllers','MistLimitError although I only want two minutes in total','2018-10-20 11:25:00',18),
(141,'field-and-soil','Cinder broad beans in November – do they not freeze?','2018-10-30 19:33:00',41),
(142,'glasshouse','How many willow chips does the boiler eat in a cold week?','2018-11-19 15:50:00',15),
(143,'ferry-and-parcels','How sure can I be of the 15:00 on a stormy day?','2018-11-29 09:55:00',45),
(144,'glasshouse','Wattage for a heated bench of my own','2018-12-01 18:44:00',18),
(145,'controllers','TargetRangeError with 36 degrees for a seed treatment','2019-01-09 19:58:00',15),
(146,'field-and-soil','Chitting: how long is too long?','2019-02-02 10:15:00',21),
(147,'swaps','Swap: beet for anything that is not beet','2019-02-15 07:07:00',17),
(148,'controllers','Reading the log into a table, with an odd line in it','2019-02-20 22:22:00',37),
(149,'glasshouse','Water use of one misting head per day','2019-03-11 09:00:00',32),
(150,'controllers','gh-skerry doctor in cron: which exit code means what?','2019-04-03 06:50:00',30),
(151,'ferry-and-parcels','Bringing a rose bush to my sister on the island','2019-04-23 18:27:00',14),
(152,'glasshouse','Is there a rule of thumb for shading?','2019-05-17 14:02:00',4),
(153,'pests','A swarm in my bean poles','2019-05-30 20:45:00',9),
(154,'controllers','Two controllers answering at the same time','2019-06-11 12:00:00',32),
(155,'kitchen','Pickled black radish gone cloudy','2019-06-29 11:40:00',41),
(156,'weather','A new record high: 27.9 degrees','2019-07-23 07:20:00',8),
(157,'glasshouse','What do you do about algae on the staging?','2019-08-04 15:33:00',11),
(158,'field-and-soil','Which year of the Long Rig rotation suits onions?','2019-09-15 17:17:00',2),
(159,'vault','Bell at the lighthouse cottage last night','2019-10-08 08:08:00',33),
(160,'notices','Test of the new search box: apostrophes','2019-11-12 13:30:00',36);
/*!40000 ALTER TABLE `threads` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `users`
--

DROP TABLE IF EXISTS `users`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `users` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  `joined` date NOT NULL,
  `role` varchar(16) NOT NULL DEFAULT 'member',
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB AUTO_INCREMENT=48 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `users`
--

LOCK TABLES `users` WRITE;
/*!40000 ALTER TABLE `users` DISABLE KEYS */;
INSERT INTO `users` VALUES
(1,'class3_pipit','2004-10-12','member'),
(2,'tattiebogle','2004-11-25','member'),
(3,'harbour_tess','2005-03-01','member'),
(4,'fennimore','2005-06-11','member'),
(5,'winnow_t','2005-09-16','keeper'),
(6,'sunniva.bell','2005-11-14','keeper'),
(7,'jonty_fo','2005-12-10','keeper'),
(8,'padrec_al','2006-05-10','keeper'),
(9,'mossy_ann','2006-05-16','member'),
(10,'rhona.quill','2006-07-07','keeper'),
(11,'dibbler','2006-08-20','member'),
(12,'nettlecoat','2007-02-26','member'),
(13,'gull\"quote','2007-10-25','reader'),
(14,'jürgen_w','2008-03-20','member'),
(15,'quillon','2008-04-07','member'),
(16,'yorick_d','2008-06-15','keeper'),
(17,'kelpfork','2008-06-23','member'),
(18,'newt','2008-12-28','member'),
(19,'longrig_lou','2009-01-19','old hand'),
(20,'b\\slash','2009-01-22','reader'),
(21,'dunnock','2009-03-06','member'),
(22,'peatboots','2009-03-21','member'),
(23,'oriel_m','2009-04-30','keeper'),
(24,'zoë.p','2010-01-02','member'),
(25,'lorcan.teviot','2010-05-29','member'),
(26,'northbed','2010-10-08','old hand'),
(27,'Anneliese F.','2010-12-04','reader'),
(28,'tobit.crake','2011-01-22','keeper'),
(29,'maren_ov','2011-05-02','council'),
(30,'brineleg','2011-06-11','member'),
(31,'wrack_n_roll','2011-12-11','member'),
(32,'windbreak','2012-01-02','member'),
(33,'gullwing','2012-01-27','member'),
(34,'barleymow','2012-08-27','member'),
(35,'plugtray','2012-09-15','member'),
(36,'limpet','2012-10-28','moderator'),
(37,'ebbside','2012-11-25','member'),
(38,'ilsabet','2013-04-27','keeper'),
(39,'sedge','2013-12-11','member'),
(40,'twohoes','2014-02-10','member'),
(41,'café_øyvind','2014-06-15','member'),
(42,'ditchwater','2014-08-04','reader'),
(43,'annick_drewe','2014-12-22','member'),
(44,'hedda.stroan','2015-03-17','keeper'),
(45,'saltbox','2015-04-02','old hand'),
(46,'señor_puerro','2015-07-10','reader'),
(47,'old_tarn','2015-09-06','old hand');
/*!40000 ALTER TABLE `users` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-21 14:22:42
